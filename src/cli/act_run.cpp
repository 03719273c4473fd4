#include "cli/act_run.h"

#include <filesystem>

#include <fmt/format.h>

#include "agent/recorded_tools.h"
#include "cli/language.h"
#include "cli/terminal.h"

namespace ondol::cli {
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
Result<std::string> workspace_of(const ActOptions& options) {
  std::string id = !options.resume.empty() ? options.resume : options.replay;
  if (!options.branch.empty()) id = ONDOL_TRY(parse_branch(options.branch)).id;
  std::string folder = options.workspace;
  if (!id.empty() && folder == ".") {
    const auto steps = ONDOL_TRY(AgentSession::read(sessions_of(options), id));
    folder = string_or(steps.front(), "workspace", folder);
  }
  std::error_code code;
  const fs::path path = fs::canonical(folder, code);
  if (code || !fs::is_directory(path, code)) return Error(fmt::format("--workspace: there is no folder '{}'", folder));
  return path.string();
}

Result<std::string> goal_of(const ActOptions& options) {
  if (!options.again) return options.goal;
  for (const json::object& step : ONDOL_TRY(AgentSession::read(sessions_of(options), options.replay))) {
    if (string_or(step, "type", "") == "goal") return string_or(step, "text", "");
  }
  return Error(fmt::format("session '{}': expected a goal in it", options.replay));
}

}  // namespace

std::string sessions_of(const ActOptions& options) {
  return options.data_folder + "/sessions";
}

Result<std::shared_ptr<EngineAgentModel>> open_agent_model(const ActOptions& options, std::function<bool()> goes_on) {
  auto engine = ONDOL_TRY(open_engine(options.model));
  const std::string path = ONDOL_TRY(resolve_model(options.model.model));
  auto model =
      ONDOL_TRY(EngineAgentModel::create(std::move(engine), fs::path(path).filename().string(), std::move(goes_on)));
  return std::shared_ptr<EngineAgentModel>(std::move(model));
}

Result<Workshop> open_workshop(const ActOptions& options) {
  Workshop shop;
  shop.workspace = ONDOL_TRY(workspace_of(options));
  shop.tools = ONDOL_TRY(ActTools::open({.workspace = shop.workspace,
                                         .tools = options.tools,
                                         .hosts = options.hosts,
                                         .data_folder = options.data_folder,
                                         .store = options.store,
                                         .mqtt_broker = options.mqtt_broker,
                                         .has_network = options.scope == "full"}));
  shop.skills = read_skills({{shop.workspace + "/.ondol/skills", true}, {options.data_folder + "/skills", false}});
  for (const std::string& refused : shop.skills.refused) {
    fmt::print(stderr, "{} {}\n", styled(tr("note:"), "33"), refused);
  }
  if (options.again) {
    const auto steps = ONDOL_TRY(AgentSession::read(sessions_of(options), options.replay));
    shop.recorded = record_tools(shop.tools->tools(), steps);
  }
  return shop;
}

Result<AgentSession> open_session(const ActOptions& options, const Workshop& shop) {
  if (!options.resume.empty()) return AgentSession::open(sessions_of(options), options.resume);
  if (!options.branch.empty()) {
    const BranchPoint point = ONDOL_TRY(parse_branch(options.branch));
    return AgentSession::branch(sessions_of(options), point.id, point.step);
  }
  json::object header = {{"workspace", shop.workspace}, {"model", shop.model->name()}};
  if (!options.replay.empty()) header["replay_of"] = options.replay;
  return AgentSession::create(sessions_of(options), std::move(header));
}

Result<LoopOutcome> run_act(const ActOptions& options, Workshop& shop, AgentSession& session, const ActPeople& people,
                            std::function<bool()> goes_on, std::function<void(const json::object& step)> observer) {
  ApprovalMemory approvals = ONDOL_TRY(ApprovalMemory::open(options.data_folder + "/approvals", shop.workspace));
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
  if (!shop.recorded.empty()) {
    parts.tools.clear();
    for (const auto& tool : shop.recorded) parts.tools.push_back(tool.get());
  }
  LoopOptions loop_options = options.loop;
  loop_options.policy = {*scope_named(options.scope), *approval_named(options.approve), options.hosts};
  AgentLoop loop(std::move(parts), std::move(loop_options));
  return loop.run(ONDOL_TRY(goal_of(options)));
}

}  // namespace ondol::cli
