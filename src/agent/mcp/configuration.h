// Which MCP servers the owner has, in the file that other programs use too:
//
//   {"mcpServers": {"files": {"command": "npx", "args": ["server-files", "."], "env": {"A": "b"}},
//                   "far": {"url": "https://example.org/mcp", "headers": {"Authorization": "Bearer ..."}}}}
//
// Two members are Ondol's own: "disabled", and "readOnlyTools", the names of tools that the owner trusts to change
// nothing (their annotations alone are not believed).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "agent/mcp/http_transport.h"
#include "agent/mcp/stdio_transport.h"
#include "base/result.h"

namespace ondol::mcp {

struct ConfiguredServer {
  std::string name;
  ServerCommand command;  // where there is no URL
  ServerUrl url;
  std::set<std::string> read_only_tools;

  bool is_remote() const { return !url.url.empty(); }
};

/// Without those that are disabled. "${NAME}" in arguments, env, url and headers is the environment's. Errors: no JSON,
/// or a server that is not as above.
Result<std::vector<ConfiguredServer>> read_servers(std::string_view text);
Result<std::vector<ConfiguredServer>> read_servers_file(const std::string& path);

Result<std::unique_ptr<Transport>> open_transport(const ConfiguredServer& server);

}  // namespace ondol::mcp
