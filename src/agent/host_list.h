// HostList: the hosts that an agent may reach, as its owner wrote them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "base/result.h"

namespace ondol {

class HostList {
 public:
  /// "example.org" and "*.example.org" (its subdomains, not itself) stand for ports 80 and 443, or for the one that
  /// follows: "localhost:8080", "[::1]:8080". Error: an entry that is neither.
  static Result<HostList> parse(const std::vector<std::string>& entries);

  enum class Match {
    kNone,    // may not be reached
    kPublic,  // at public addresses: a name that leads into the owner's own network is not what was allowed
    kNamed,   // host and port were named themselves, so at any address
  };
  /// Names without regard to case. Numbers in unusual forms ("127.1", "0x7f000001") are names that nobody listed.
  Match match(std::string_view host, int port) const;
  bool is_empty() const { return entries_.empty(); }

 private:
  struct Entry {
    std::string name;  // without "*."
    bool is_for_subdomains = false;
    int port = 0;  // 0: 80 and 443
  };
  std::vector<Entry> entries_;
};

struct HostAndPort {
  std::string host;  // without brackets
  int port = 0;
};

/// "host", "host:port", "[::1]:port". Error: anything else.
Result<HostAndPort> parse_host_and_port(std::string_view text, int default_port);

/// Whether an address belongs to the public internet: not loopback, private, link-local, multicast, reserved, nor one
/// that carries such an IPv4 address inside (RFC 6890 and its registry).
bool is_public_address(const boost::asio::ip::address& address);

}  // namespace ondol
