// An MCP server behind a URL: Streamable HTTP, as it was (2025-03-26 to 2025-11-25, with sessions and streams that are
// taken up again) and as it is (2026-07-28).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "agent/mcp/transport.h"

namespace ondol::mcp {

struct ServerUrl {
  std::string name;                  // for messages
  std::string url;                   // http or https
  std::vector<std::string> headers;  // "Name: value", as for authorisation; sent to this URL only
  /// Which addresses its host may stand for; null: any.
  std::function<bool(const boost::asio::ip::address& address)> may_reach = {};
};

/// Nothing is sent yet. Redirects are not followed. Error: no URL.
Result<std::unique_ptr<Transport>> open_url(const ServerUrl& server);

}  // namespace ondol::mcp
