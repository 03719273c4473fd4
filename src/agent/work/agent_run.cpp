#include "agent/work/agent_run.h"

#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "agent/recorded_tools.h"
#include "agent/work/run_servers.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

struct BranchPoint {
  std::string id;
  int step = 0;
};

Result<BranchPoint> parse_branch(const std::string& text) {
  const size_t colon = text.rfind(':');
  const std::string number = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (number.empty() || number.size() > 6 || number.find_first_not_of("0123456789") != std::string::npos) {
    return Error(fmt::format("--branch: expected ID:STEP, got '{}'", text));
  }
  return BranchPoint{text.substr(0, colon), std::stoi(number)};
}

/// Of the session that is taken up, where there is one: its files are there.
Result<std::string> workspace_of(const AgentTask& task, const AgentPlaces& places) {
  std::string id = !task.resume.empty() ? task.resume : task.replay;
  if (!task.branch.empty()) id = ONDOL_TRY(parse_branch(task.branch)).id;
  std::string folder = task.workspace;
  if (!id.empty() && folder == ".") {
    const auto steps = ONDOL_TRY(AgentSession::read(places.sessions(), id));
    folder = string_or(steps.front(), "workspace", folder);
  }
  std::error_code code;
  const fs::path path = fs::canonical(folder, code);
  if (code || !fs::is_directory(path, code)) return Error(fmt::format("--workspace: there is no folder '{}'", folder));
  return path.string();
}

/// Without those of MCP servers, which are not known yet.
std::optional<std::vector<std::string>> own_tools(const AgentTask& task) {
  if (task.tools.empty()) return std::nullopt;
  std::vector<std::string> own = task.tools;
  std::erase_if(own, names_server_tool);
  return own;
}

Result<std::string> goal_of(const AgentTask& task, const AgentPlaces& places) {
  if (!task.again) return task.goal;
  for (const json::object& step : ONDOL_TRY(AgentSession::read(places.sessions(), task.replay))) {
    if (string_or(step, "type", "") == "goal") return string_or(step, "text", "");
  }
  return Error(fmt::format("session '{}': expected a goal in it", task.replay));
}

}  // namespace

Result<Workshop> open_workshop(const AgentTask& task, const AgentPlaces& places) {
  Workshop shop;
  shop.workspace = ONDOL_TRY(workspace_of(task, places));
  shop.tools = ONDOL_TRY(WorkTools::open({.workspace = shop.workspace,
                                          .tools = own_tools(task),
                                          .hosts = task.hosts,
                                          .data_folder = places.data_folder,
                                          .search_documents = places.search_documents,
                                          .reader_program = places.reader_program,
                                          .mqtt_broker = places.mqtt_broker,
                                          .has_network = task.scope == "full"}));
  shop.skills = read_skills({{shop.workspace + "/.ondol/skills", true}, {places.data_folder + "/skills", false}});
  if (task.again) {
    const auto steps = ONDOL_TRY(AgentSession::read(places.sessions(), task.replay));
    shop.recorded = record_tools(shop.tools->tools(), steps);
  }
  return shop;
}

Result<AgentSession> open_session(const AgentTask& task, const AgentPlaces& places, const Workshop& shop) {
  if (!task.resume.empty()) return AgentSession::open(places.sessions(), task.resume);
  if (!task.branch.empty()) {
    const BranchPoint point = ONDOL_TRY(parse_branch(task.branch));
    return AgentSession::branch(places.sessions(), point.id, point.step);
  }
  json::object header = {{"workspace", shop.workspace}, {"model", shop.model->name()}};
  if (!task.replay.empty()) header["replay_of"] = task.replay;
  return AgentSession::create(places.sessions(), std::move(header));
}

Result<LoopOutcome> run_agent(const AgentTask& task, const AgentPlaces& places, Workshop& shop, AgentSession& session,
                              const AgentPeople& people, std::function<bool()> goes_on,
                              std::function<void(const json::object& step)> observer, const std::string& by) {
  ApprovalMemory approvals = ONDOL_TRY(ApprovalMemory::open(places.data_folder + "/approvals", shop.workspace));
  const SecretFilter secrets = SecretFilter::of_process();
  ToolContext& context = shop.tools->context();
  context.goes_on = std::move(goes_on);
  context.ask_user = [&people](std::string_view question) -> Result<std::string> {
    if (!people.answer) return Error("nobody is there to answer");
    return people.answer(question);
  };
  LoopParts parts{.model = *shop.model,
                  .tools = shop.tools->tools(),
                  .context = context,
                  .session = session,
                  .approvals = approvals,
                  .secrets = secrets,
                  .skills = shop.skills.skills,
                  .approve = people.approve,
                  .observer = std::move(observer),
                  .stream = {},
                  .seconds_now = {}};
  std::optional<RunServers> servers;
  if (task.again) {
    parts.tools.clear();
    for (const auto& tool : shop.recorded) parts.tools.push_back(tool.get());
  } else {
    servers.emplace(ONDOL_TRY(connect_servers(
        {task, places.data_folder, shop.workspace, context.sandbox, approvals, people.approve, context.goes_on})));
    if (servers->waits_for) return LoopOutcome{.reason = "asking", .text = question_of(*servers->waits_for)};
    for (const std::string& note : servers->notes) {
      if (people.note) people.note(note);
    }
    const std::vector<Tool*> theirs = servers->wanted(task);
    parts.tools.insert(parts.tools.end(), theirs.begin(), theirs.end());
  }
  LoopOptions loop_options = task.loop;
  loop_options.policy = {*scope_named(task.scope), *approval_named(task.approve), task.hosts};
  AgentLoop loop(std::move(parts), std::move(loop_options));
  return loop.run(AgentGoal{ONDOL_TRY(goal_of(task, places)), by, task.given_from, task.given});
}

std::string_view end_in_words(std::string_view reason) {
  if (reason == "turns") return "the budget of steps is spent; --resume goes on";
  if (reason == "tokens") return "the budget of tokens is spent; --resume goes on";
  if (reason == "seconds") return "the time is spent; --resume goes on";
  if (reason == "cancelled") return "stopped; --resume goes on";
  if (reason == "stuck") return "the model does not get further";
  if (reason == "context") return "goal and tools do not fit into the context; hint: --ctx";
  return "";
}

}  // namespace ondol
