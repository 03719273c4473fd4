// An MCP server as a child process in the sandbox: of this machine it sees the system's programs and one folder, and of
// the network the hosts that its owner named.
#pragma once

#include "agent/mcp/stdio_transport.h"
#include "agent/sandbox.h"

namespace ondol::mcp {

/// What a confined server may do.
struct ServerCell {
  bool may_write = false;          // in the folder
  std::vector<std::string> hosts;  // as in host_list.h; none: it has no network
  bool is_sealed() const { return hosts.empty(); }
};

/// Starts it in `folder`, which it sees without what is protected there (workspace.h). `sandbox` lives longer. Programs
/// are looked up in the system's folders only. Error: no such folder, or hosts that are none.
Result<std::unique_ptr<Transport>> start_confined_server(const ServerCommand& command, const ServerCell& cell,
                                                         Sandbox& sandbox, const std::string& folder);

}  // namespace ondol::mcp
