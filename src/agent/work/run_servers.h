// The MCP servers of a run: which there are, which may be spoken with, and their tools.
//
// The owner's stand in mcp.json of the data folder. Those in .ondol/mcp.json of the workspace came with a folder that
// others may have written: each is shown to a person before it is started or asked, and runs only with a yes, which can
// be remembered for exactly these words.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/approval_memory.h"
#include "agent/loop.h"
#include "agent/mcp/client_tool.h"
#include "agent/work/agent_task.h"

namespace ondol {

/// What they are looked for and approved with.
struct RunServerParts {
  const AgentTask& task;
  std::string data_folder;
  std::string workspace;  // a folder
  Sandbox& sandbox;
  ApprovalMemory& approvals;
  std::function<Result<ApprovalAnswer>(const ApprovalRequest& request)> approve;  // null: nobody is there
  std::function<bool()> goes_on;
};

struct RunServers {
  mcp::ServerTools tools;
  std::vector<std::string> notes;  // what was left out, and why
  /// Whoever must allow one of them is not there, and the run waits for them; nothing was started.
  std::optional<ApprovalRequest> waits_for;
  /// The tools that the task wants.
  std::vector<Tool*> wanted(const AgentTask& task) const;
};

/// Whether an entry of AgentTask::mcp is a file, and not the name of a server.
bool names_server_file(std::string_view entry);
/// Whether an entry of AgentTask::tools is a tool of an MCP server.
bool names_server_tool(std::string_view name);

/// To be called on the thread that works: servers that are processes end with it. Errors: a file that cannot be read, a
/// name that no file has.
Result<RunServers> connect_servers(const RunServerParts& parts);

}  // namespace ondol
