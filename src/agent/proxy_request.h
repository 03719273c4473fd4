// ProxyRequest: what a program asks of a proxy (RFC 9112, RFC 9110 section 7.6 and 9.3.6), parsed strictly: what could
// be read in two ways is refused.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace ondol {

constexpr size_t kMostProxyHeadBytes = 32 << 10;

struct ProxyRequest {
  bool is_tunnel = false;  // CONNECT
  std::string host;
  int port = 0;
  /// What the host is sent in the place of the request's head: the path alone, its own name, and nothing that was meant
  /// for the proxy. One request for each connection. Empty for a tunnel.
  std::string head;
};

/// `head` up to and with its empty line.
Result<ProxyRequest> parse_proxy_request(std::string_view head);

}  // namespace ondol
