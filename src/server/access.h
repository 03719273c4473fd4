// Access: who may ask. Names in Host (against DNS rebinding), Origin (against pages of other sites), API keys and
// their limits. Used by the I/O thread alone.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/server.h"

namespace ondol::server {

/// "Host" or an authority in two parts; nothing for what is neither. Names are in lower case without a final dot,
/// IPv6 addresses without brackets.
struct HostAndPort {
  std::string host;
  std::string port;  // "" when absent
  bool is_address = false;
};
std::optional<HostAndPort> parse_host(std::string_view text);

class Access {
 public:
  explicit Access(const ServerOptions& options);

  /// Whether a request may name this host. A page whose name is made to resolve to this machine (DNS rebinding) is of
  /// our origin to the browser, but cannot have one of these names. Any address may stand there: no name, no rebinding.
  bool is_host_allowed(std::string_view host) const;

  /// The server's own origin: the same host and port as the (allowed) Host names.
  static bool is_own_origin(std::string_view origin, std::string_view host);
  bool is_origin_allowed(std::string_view origin) const;
  bool has_origins() const { return !origins_.empty(); }

  struct Admission {
    std::optional<HttpError> error;  // 401 or 429
    std::string client;
    std::shared_ptr<void> slot;  // to keep while the request runs
  };
  /// Checks the key in Authorization or x-api-key and takes one request from its limits.
  Admission admit(const Request& request, bool needs_key, std::chrono::steady_clock::time_point now);

 private:
  using Digest = std::array<unsigned char, 32>;
  struct Key {
    ApiKey options;
    Digest digest;
    double tokens = 0;  // requests that may come at once; refilled steadily
    std::chrono::steady_clock::time_point refilled{};
    std::shared_ptr<int> running = std::make_shared<int>(0);
  };

  Key* find_key(std::string_view given);

  std::vector<Key> keys_;
  std::vector<std::string> origins_;
  std::vector<std::string> hosts_;
  bool any_origin_ = false;
  bool any_host_ = false;
};

}  // namespace ondol::server
