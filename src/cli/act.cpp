// ondol act: a goal in plain words becomes tool calls and small programs, in a sandbox, with approval.
#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "agent/engine_agent_model.h"
#include "agent/loop.h"
#include "agent/recorded_tools.h"
#include "cli/act_tools.h"
#include "cli/act_view.h"
#include "cli/command.h"
#include "cli/document_store_option.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/terminal.h"

namespace ondol::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string goal;
  std::string workspace = ".";
  std::vector<std::string> tools;
  std::string approve = "ask";
  std::string scope = "workspace";
  std::vector<std::string> hosts;
  std::string resume;
  std::string branch;  // ID:STEP
  std::string replay;
  bool list = false;
  bool again = false;  // replay with the model
  bool json = false;
  std::string data_folder;
  std::string store;
  std::string mqtt_broker;
  ModelOptions model;
  LoopOptions loop;
};

std::string sessions_of(const Options& options) {
  return options.data_folder + "/sessions";
}

void print_line(const json::object& step) {
  fmt::print("{}\n", json_text(step));
  std::fflush(stdout);
}

Result<void> list_sessions(const Options& options) {
  const auto sessions = AgentSession::list(sessions_of(options));
  if (!options.json) {
    print_sessions(sessions);
    return {};
  }
  for (const AgentSessionInfo& session : sessions) {
    print_line({{"id", session.id},
                {"created", session.created_unix_seconds},
                {"workspace", session.workspace},
                {"model", session.model},
                {"goal", session.goal},
                {"steps", session.n_steps},
                {"end", session.end}});
  }
  return {};
}

Result<void> print_replay(const Options& options) {
  for (const json::object& step : ONDOL_TRY(AgentSession::read(sessions_of(options), options.replay))) {
    if (options.json) {
      print_line(step);
    } else {
      fmt::print("{:>4} {:<10} {}\n", int_or(step, "step", 0), string_or(step, "type", ""), step_in_words(step));
    }
  }
  return {};
}

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

/// The session to work in: a new one, or one that there is.
Result<AgentSession> open_session(const Options& options, const std::string& workspace, const std::string& model) {
  if (!options.resume.empty()) return AgentSession::open(sessions_of(options), options.resume);
  if (!options.branch.empty()) {
    const BranchPoint point = ONDOL_TRY(parse_branch(options.branch));
    return AgentSession::branch(sessions_of(options), point.id, point.step);
  }
  json::object header = {{"workspace", workspace}, {"model", model}};
  if (!options.replay.empty()) header["replay_of"] = options.replay;
  return AgentSession::create(sessions_of(options), std::move(header));
}

/// Of the session that is taken up, where there is one: its files are there.
Result<std::string> workspace_of(const Options& options) {
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

Result<void> check(const Options& options) {
  const int n_sources = !options.resume.empty() + !options.branch.empty() + !options.replay.empty();
  if (n_sources > 1) return Error("expected one of --resume, --branch and --replay");
  if (options.goal.empty() && n_sources == 0) return Error("expected a goal; hint: ondol act \"...\"");
  if (options.again && options.replay.empty()) return Error("--again: expected --replay ID with it");
  return {};
}

Result<std::string> goal_of(const Options& options) {
  if (!options.again) return options.goal;
  for (const json::object& step : ONDOL_TRY(AgentSession::read(sessions_of(options), options.replay))) {
    if (string_or(step, "type", "") == "goal") return string_or(step, "text", "");
  }
  return Error(fmt::format("session '{}': expected a goal in it", options.replay));
}

void show(const Options& options, const json::object& step) {
  if (options.json) {
    print_line(step);
  } else {
    show_step(step);
  }
}

/// What a run needs, opened before its session is begun.
struct Workshop {
  std::string workspace;
  std::unique_ptr<EngineAgentModel> model;
  std::unique_ptr<ActTools> tools;
  std::vector<std::unique_ptr<Tool>> recorded;
  SkillList skills;
};

Result<Workshop> open_workshop(const Options& options) {
  Workshop shop;
  shop.workspace = ONDOL_TRY(workspace_of(options));
  const auto goes_on = [] { return !interrupted.load(); };
  shop.tools = ONDOL_TRY(ActTools::open({.workspace = shop.workspace,
                                         .tools = options.tools,
                                         .hosts = options.hosts,
                                         .data_folder = options.data_folder,
                                         .store = options.store,
                                         .mqtt_broker = options.mqtt_broker,
                                         .has_network = options.scope == "full"}));
  auto engine = ONDOL_TRY(open_engine(options.model));
  const std::string path = ONDOL_TRY(resolve_model(options.model.model));
  shop.model = ONDOL_TRY(EngineAgentModel::create(std::move(engine), fs::path(path).filename().string(), goes_on));
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

Result<LoopOutcome> work(const Options& options, Workshop& shop, AgentSession& session) {
  ApprovalMemory approvals = ONDOL_TRY(ApprovalMemory::open(options.data_folder + "/approvals", shop.workspace));
  const SecretFilter secrets = SecretFilter::of_process();
  ToolContext& context = shop.tools->context();
  context.goes_on = [] { return !interrupted.load(); };
  const bool has_person = stdin_is_terminal() && stderr_is_terminal() && !options.json;
  context.ask_user = [has_person](std::string_view question) -> Result<std::string> {
    if (!has_person) return Error("nobody is there to answer");
    return ask_user_at_terminal(question);
  };
  LoopParts parts{.model = *shop.model,
                  .tools = shop.tools->tools(),
                  .context = context,
                  .session = session,
                  .approvals = approvals,
                  .secrets = secrets,
                  .skills = shop.skills.skills,
                  .approve = {},
                  .observer = [&options](const json::object& step) { show(options, step); },
                  .stream = {},
                  .seconds_now = {}};
  if (has_person) parts.approve = ask_at_terminal;
  if (!shop.recorded.empty()) {
    parts.tools.clear();
    for (const auto& tool : shop.recorded) parts.tools.push_back(tool.get());
  }
  AgentLoop loop(std::move(parts), options.loop);
  return loop.run(ONDOL_TRY(goal_of(options)));
}

Result<void> act(Options& options) {
  if (options.data_folder.empty()) options.data_folder = agent_folder();
  if (options.list) return list_sessions(options);
  ONDOL_TRY(check(options));
  if (!options.replay.empty() && !options.again) return print_replay(options);
  options.loop.policy.approval = *approval_named(options.approve);
  options.loop.policy.scope = *scope_named(options.scope);
  options.loop.policy.hosts = options.hosts;
  Workshop shop = ONDOL_TRY(open_workshop(options));
  AgentSession session = ONDOL_TRY(open_session(options, shop.workspace, shop.model->name()));
  if (options.json) {
    print_line(session.header());
  } else {
    fmt::print(stderr, "{}\n", styled(fmt::format(fmt::runtime(tr("session {}")), session.id()), "2"));
  }
  const LoopOutcome outcome = ONDOL_TRY(work(options, shop, session));
  if (outcome.reason == "done") {
    if (!options.json) fmt::print("{}\n", outcome.text);
    return {};
  }
  const std::string words = end_in_words(outcome.reason);
  return Error(words.empty() ? outcome.text : words);
}

void add_permission_options(CLI::App& command, Options& options) {
  command
      .add_option("--approve", options.approve, "What changes something: ask first, do it (auto), or refuse it (never)")
      ->capture_default_str()
      ->check(CLI::IsMember({"ask", "auto", "never"}));
  command
      .add_option("--scope", options.scope,
                  "What may happen at all: reading, changes of the workspace, or the network and devices too")
      ->capture_default_str()
      ->check(CLI::IsMember({"read-only", "workspace", "full"}));
  command.add_option("--allow-host", options.hosts,
                     "A host that may be reached (example.org, *.example.org); repeatable");
}

}  // namespace

void add_act(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  options->model.context_at_least = 8192;
  CLI::App* command = add_command(app, "act", "Reach a goal with tools and programs, in a sandbox, with approval",
                                  "  ondol act \"Which of these files mention the budget?\" --scope read-only\n"
                                  "  ondol act \"이 폴더의 CSV를 하나로 합쳐 줘\" --workspace data\n"
                                  "  ondol act \"Fetch example.org and save its title\" --scope full --allow-host "
                                  "example.org\n"
                                  "  ondol act --list                        sessions; --replay ID shows one\n"
                                  "  ondol act --resume ID \"and now sort it\"  goes on\n"
                                  "  ondol act --branch ID:5                 goes on from step 5, in a new session\n",
                                  [options] { return act(*options); });
  command->add_option("GOAL", options->goal, "What is to be reached, in plain words");
  command->add_option("--model", options->model.model,
                      "A model with a chat template: a file, a folder or a name in the store; without it the default");
  command->add_option("--workspace", options->workspace, "The folder to work in")->capture_default_str();
  command->add_option("--tools", options->tools, "The only tools wanted, by name: a,b")->delimiter(',');
  add_permission_options(*command, *options);
  command->add_option("--steps", options->loop.budget.turns, "Most answers of the model")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  command->add_option("--tokens", options->loop.budget.tokens, "Most tokens that the model evaluates")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
  command->add_option("--seconds", options->loop.budget.seconds, "Most time")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 1e9));
  command->add_option("--think", options->loop.reasoning_budget, "Most tokens of thinking before an answer; -1: any")
      ->capture_default_str()
      ->check(CLI::Range(-1, 1 << 20));
  command->add_option("--resume", options->resume, "Go on with a session, perhaps with a further goal");
  command->add_option("--branch", options->branch, "Go on from a step of a session, in a new one: ID:STEP");
  command->add_option("--replay", options->replay, "Show the steps of a session");
  command->add_flag("--again", options->again,
                    "With --replay: let the model work anew, with the results that the session has");
  command->add_flag("--list", options->list, "List the sessions");
  command->add_flag("--json", options->json, "JSON Lines, one for each step");
  command->add_option("--mqtt", options->mqtt_broker, "A broker of devices (localhost:1883), with --scope full");
  add_document_store_option(*command, options->store);
  command->add_option("--data-dir", options->data_folder, "The folder that keeps sessions, approvals and skills");
  options->model.add_to(*command);
}

}  // namespace ondol::cli
