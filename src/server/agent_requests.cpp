#include "server/agent_requests.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/host_list.h"
#include "agent/tool_list.h"

namespace ondol::server {
namespace {

constexpr size_t kLongestGoal = 100'000;
constexpr size_t kLongestName = 200;
constexpr size_t kMostNames = 200;  // of tools and hosts

std::string_view in_words(Effect effect) {
  switch (effect) {
    case Effect::kNone:
      return "none";
    case Effect::kReads:
      return "reads";
    case Effect::kChangesWorkspace:
      return "changes workspace";
    case Effect::kReachesOut:
      return "reaches out";
  }
  return "";
}

/// All that there may be, also what only some jobs can use.
std::vector<std::unique_ptr<Tool>> all_tools(const AgentPlaces& places) {
  ToolNeeds needs;
  needs.notes_folder = places.data_folder + "/notes";
  needs.search_documents = places.search_documents;
  needs.mqtt_broker = places.mqtt_broker;
  auto tools = make_tools(needs);
  return tools ? std::move(*tools) : std::vector<std::unique_ptr<Tool>>();
}

HttpError unfit(std::string parameter, std::string message) {
  HttpError error = make_error(422, std::move(message));
  error.parameter = std::move(parameter);
  return error;
}

std::string one_of(const Fields& fields, std::string_view key, const std::string& fallback,
                   const std::vector<std::string>& allowed) {
  const std::string given = fields.text(key).value_or(fallback);
  if (std::find(allowed.begin(), allowed.end(), given) != allowed.end()) return given;
  fields.fail(key, fmt::format("{}: expected {}, got '{}'", fields.path_of(key), fmt::join(allowed, ", "),
                               given.substr(0, 100)));
  return fallback;
}

void read_budget(const Fields& fields, AgentBudget& budget) {
  const json::object* given = fields.object("budget");
  if (given == nullptr) return;
  const Fields inside(*given, fields.fault(), fields.path_of("budget"));
  budget.turns = static_cast<int>(inside.integer("turns", 1, 10'000).value_or(budget.turns));
  budget.tokens = inside.integer("tokens", 1, int64_t{1} << 40).value_or(budget.tokens);
  budget.seconds = inside.number("seconds", 1, 1e9).value_or(budget.seconds);
}

/// What the body says, as far as it can be read without this server.
AgentTask read_task(const Fields& fields) {
  AgentTask task;
  task.goal = fields.required_text("goal");
  task.workspace = fields.required_text("workspace");
  task.model = fields.text("model").value_or("");
  task.tools = fields.texts("tools");
  task.scope = one_of(fields, "scope", task.scope, {"read-only", "workspace", "full"});
  task.approve = one_of(fields, "approve", task.approve, {"ask", "auto", "never"});
  task.hosts = fields.texts("hosts");
  read_budget(fields, task.loop.budget);
  if (fields.fault()) return task;
  if (task.goal.empty() || task.goal.size() > kLongestGoal) {
    fields.fail("goal", fmt::format("{}: expected 1 to {} bytes, got {}", fields.path_of("goal"), kLongestGoal,
                                    task.goal.size()));
  }
  for (const char* key : {"tools", "hosts"}) {
    if ((*key == 't' ? task.tools : task.hosts).size() <= kMostNames) continue;
    fields.fail(key, fmt::format("{}: expected at most {}", fields.path_of(key), kMostNames));
  }
  return task;
}

std::optional<HttpError> check_here(Services& services, const Fields& fields, AgentTask& task) {
  const AgentService& agents = *services.agents;
  const auto folder = agents.allowed_workspace(task.workspace);
  if (!folder) {
    return unfit(fields.path_of("workspace"),
                 fmt::format("workspace: expected a folder that is there, in one of {}, got '{}'",
                             fmt::join(agents.workspaces(), ", "), task.workspace.substr(0, 300)));
  }
  task.workspace = *folder;
  std::vector<std::string> known;
  for (const auto& tool : all_tools(agents.options().places)) known.push_back(tool->definition().name);
  for (const std::string& name : task.tools) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return unfit(fields.path_of("tools"),
                 fmt::format("tools: expected some of {}, got '{}'", fmt::join(known, ", "), name.substr(0, 100)));
  }
  if (const auto hosts = HostList::parse(task.hosts); !hosts) {
    return unfit(fields.path_of("hosts"), hosts.error().message());
  }
  if (task.model.empty()) return {};
  if (auto found = services.models->resolve(task.model); found.error) {
    return unfit(fields.path_of("model"), found.error->message);
  }
  return {};
}

}  // namespace

WantedJob read_wanted_job(Services& services, const Fields& fields) {
  WantedJob wanted;
  wanted.task = read_task(fields);
  wanted.name = fields.text("name").value_or("");
  if (wanted.name.size() > kLongestName) {
    fields.fail("name", fmt::format("{}: expected at most {} bytes", fields.path_of("name"), kLongestName));
  }
  if (fields.fault()) {
    wanted.error = fields.fault().error();
  } else {
    wanted.error = check_here(services, fields, wanted.task);
  }
  return wanted;
}

WantedSchedule read_wanted_schedule(Services& services, const json::object& body) {
  WantedSchedule wanted;
  RequestFault fault;
  const Fields fields(body, fault);
  Schedule& schedule = wanted.schedule;
  schedule.name = fields.required_text("name");
  const std::string kind = one_of(fields, "kind", "times", {"times", "files", "hook"});
  using Kind = Schedule::Kind;
  schedule.kind = kind == "times" ? Kind::kTimes : kind == "files" ? Kind::kFiles : Kind::kHook;
  if (schedule.kind == Kind::kTimes) schedule.at = fields.required_text("at");
  if (schedule.kind == Kind::kFiles) schedule.files = fields.required_text("files");
  const json::object* job = fields.object("job");
  if (job == nullptr) fields.fail("job", "job: expected an object with goal and workspace");
  if (fault) {
    wanted.error = fault.error();
    return wanted;
  }
  WantedJob told = read_wanted_job(services, Fields(*job, fault, "job"));
  wanted.error = std::move(told.error);
  schedule.work = work_of(told.task);
  return wanted;
}

json::array agent_tools_as_json(const AgentPlaces& places) {
  json::array tools;
  for (const auto& tool : all_tools(places)) {
    const ToolDefinition& definition = tool->definition();
    tools.push_back(json::object{
        {"name", definition.name}, {"description", definition.description}, {"effect", in_words(tool->effect({}))}});
  }
  return tools;
}

}  // namespace ondol::server
