#include "agent/work/agent_task.h"

#include <algorithm>

#include "agent/work/run_servers.h"

namespace ondol {
namespace {

std::vector<std::string> strings_of(const json::value& object, std::string_view key) {
  std::vector<std::string> strings;
  const json::value* list = find_member(object, key);
  if (list == nullptr || !list->is_array()) return strings;
  for (const json::value& entry : list->get_array()) {
    if (entry.is_string()) strings.emplace_back(entry.get_string());
  }
  return strings;
}

json::array array_of(const std::vector<std::string>& strings) {
  json::array list;
  for (const std::string& text : strings) list.push_back(json::string(text));
  return list;
}

}  // namespace

json::value work_of(const AgentTask& task) {
  json::object work = {{"goal", task.goal},
                       {"workspace", task.workspace},
                       {"tools", array_of(task.tools)},
                       {"approve", task.approve},
                       {"scope", task.scope},
                       {"hosts", array_of(task.hosts)},
                       {"turns", task.loop.budget.turns},
                       {"tokens", task.loop.budget.tokens},
                       {"seconds", task.loop.budget.seconds}};
  if (!task.mcp.empty()) work["mcp"] = array_of(task.mcp);
  if (!task.model.empty()) work["model"] = task.model;
  if (!task.resume.empty()) work["resume"] = task.resume;
  return work;
}

Result<AgentTask> task_of(const json::value& work) {
  AgentTask task;
  task.goal = string_or(work, "goal", "");
  task.workspace = string_or(work, "workspace", "");
  task.tools = strings_of(work, "tools");
  task.mcp = strings_of(work, "mcp");
  task.approve = string_or(work, "approve", "never");
  task.scope = string_or(work, "scope", "read-only");
  task.hosts = strings_of(work, "hosts");
  task.model = string_or(work, "model", "");
  task.resume = string_or(work, "resume", "");
  // A file may be another one by then, and jobs do not come from their worker's owner alone.
  if (std::any_of(task.mcp.begin(), task.mcp.end(), names_server_file))
    return Error("expected names of MCP servers in a job, got a file");
  if (const json::value* given = find_member(work, "given")) {
    task.given = string_or(*given, "text", "");
    task.given_from = string_or(*given, "from", "");
  }
  AgentBudget& budget = task.loop.budget;
  budget.turns = static_cast<int>(int_or(work, "turns", budget.turns));
  budget.tokens = int_or(work, "tokens", budget.tokens);
  budget.seconds = double_or(work, "seconds", budget.seconds);
  const bool is_known = approval_named(task.approve) && scope_named(task.scope);
  if ((task.goal.empty() && task.resume.empty()) || task.workspace.empty() || !is_known) {
    return Error("expected a job with goal, workspace, approve and scope, got " + json_text(work));
  }
  return task;
}

}  // namespace ondol
