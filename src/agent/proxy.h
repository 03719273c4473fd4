// Proxy: the way of confined programs to the network. It listens on a Unix socket, which the sandbox shows them, and
// joins HTTP requests and CONNECT tunnels with hosts of a list.
//
// Names are resolved here, once for a connection, and the addresses that came out are those that are reached: a name
// that means another machine on the second look leads nowhere. Private addresses need an entry of host and port.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "agent/host_list.h"
#include "base/result.h"

namespace ondol {

struct ProxyOptions {
  HostList hosts;
  int most_connections = 64;
  int idle_seconds = 60;
  /// In the place of the system's resolver, for tests. Called on the proxy's thread.
  std::function<std::vector<boost::asio::ip::address>(const std::string& host)> resolve;
};

class Proxy {
 public:
  /// With a thread of its own. Error: no socket.
  static Result<std::unique_ptr<Proxy>> start(ProxyOptions options);
  virtual ~Proxy() = default;  // closes all connections

  virtual const std::string& socket_path() const = 0;
  /// What was refused since the last call, as "evil.example:443: is not among the allowed hosts". From any thread.
  virtual std::vector<std::string> take_refusals() = 0;
};

}  // namespace ondol
