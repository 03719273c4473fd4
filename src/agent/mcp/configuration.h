// Which MCP servers the owner has, in the file that other programs use too:
//
//   {"mcpServers": {"files": {"command": "npx", "args": ["server-files", "."], "env": {"A": "b"}},
//                   "far": {"url": "https://example.org/mcp", "headers": {"Authorization": "Bearer ..."}}}}
//
// Four members are Ondol's own: "disabled"; "readOnlyTools", the names of tools that the owner trusts to change
// nothing; "trustAnnotations", by which that is believed of tools that say so of themselves; and "sandbox", by which a
// command runs confined: true (it reads the folder that the agent works in, and has no network), or
// {"write": true, "hosts": ["api.example.org"]}. Without it a command runs as its owner, like any other that they type.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/mcp/confined_server.h"
#include "agent/mcp/http_transport.h"
#include "agent/mcp/stdio_transport.h"
#include "base/result.h"

namespace ondol::mcp {

struct ConfiguredServer {
  std::string name;
  ServerCommand command;  // where there is no URL
  ServerUrl url;
  std::set<std::string> read_only_tools;
  bool trusts_annotations = false;
  std::optional<ServerCell> cell = {};  // of a command that runs confined

  bool is_remote() const { return !url.url.empty(); }
};

/// Who wrote a configuration.
enum class ServerAuthor {
  kOwner,
  /// It came with a folder: nothing of the environment is put in, no tool is trusted, and a command is confined unless
  /// the configuration says "sandbox": false.
  kStranger,
};

/// Without those that are disabled. "${NAME}" in arguments, env, url and headers is the environment's. Errors: no JSON,
/// or a server that is not as above.
Result<std::vector<ConfiguredServer>> read_servers(std::string_view text, ServerAuthor author = ServerAuthor::kOwner);
Result<std::vector<ConfiguredServer>> read_servers_file(const std::string& path,
                                                        ServerAuthor author = ServerAuthor::kOwner);

/// Where confined ones are started.
struct ServerPlace {
  Sandbox* sandbox = nullptr;  // null: none is
  std::string folder;
};

/// Error: also a confined one where there is no sandbox.
Result<std::unique_ptr<Transport>> open_transport(const ConfiguredServer& server, const ServerPlace& place = {});

}  // namespace ondol::mcp
