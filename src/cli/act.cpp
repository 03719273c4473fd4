// ondol act: a goal in plain words becomes tool calls and small programs, in a sandbox, with approval.
#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "cli/act_view.h"
#include "cli/agent_parts.h"
#include "cli/command.h"
#include "cli/document_store_option.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/terminal.h"

namespace ondol::cli {
namespace {

namespace fs = std::filesystem;

struct Options : AgentTask {
  std::string data_folder;
  std::string store;
  std::string mqtt_broker;
  ModelOptions engine;
  bool list = false;
  bool json = false;

  std::string sessions() const { return data_folder + "/sessions"; }
};

void print_line(const json::object& step) {
  fmt::print("{}\n", json_text(step));
  std::fflush(stdout);
}

Result<void> list_sessions(const Options& options) {
  const auto sessions = AgentSession::list(options.sessions());
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
  for (const json::object& step : ONDOL_TRY(AgentSession::read(options.sessions(), options.replay))) {
    if (options.json) {
      print_line(step);
    } else {
      fmt::print("{:>4} {:<10} {}\n", int_or(step, "step", 0), string_or(step, "type", ""), step_in_words(step));
    }
  }
  return {};
}

Result<void> check(const Options& options) {
  const int n_sources = !options.resume.empty() + !options.branch.empty() + !options.replay.empty();
  if (n_sources > 1) return Error("expected one of --resume, --branch and --replay");
  if (options.goal.empty() && n_sources == 0) return Error("expected a goal; hint: ondol act \"...\"");
  if (options.again && options.replay.empty()) return Error("--again: expected --replay ID with it");
  return {};
}

void show(const Options& options, const json::object& step) {
  if (options.json) {
    print_line(step);
  } else {
    show_step(step);
  }
}

Result<void> act(Options& options) {
  if (options.data_folder.empty()) options.data_folder = agent_folder();
  if (options.list) return list_sessions(options);
  ONDOL_TRY(check(options));
  if (!options.replay.empty() && !options.again) return print_replay(options);
  const auto goes_on = [] { return !interrupted.load(); };
  AgentPlaces places = agent_places(options.data_folder, options.store);
  places.mqtt_broker = options.mqtt_broker;
  Workshop shop = ONDOL_TRY(open_workshop(options, places));
  for (const std::string& refused : shop.skills.refused) print_note(refused);
  shop.model = ONDOL_TRY(open_agent_model(options.engine, goes_on));
  AgentSession session = ONDOL_TRY(open_session(options, places, shop));
  if (options.json) {
    print_line(session.header());
  } else {
    fmt::print(stderr, "{}\n", styled(fmt::format(fmt::runtime(tr("session {}")), session.id()), "2"));
  }
  AgentPeople people;
  if (stdin_is_terminal() && stderr_is_terminal() && !options.json) people = {ask_at_terminal, ask_user_at_terminal};
  people.note = print_note;
  const auto observer = [&options](const json::object& step) { show(options, step); };
  const LoopOutcome outcome = ONDOL_TRY(run_agent(options, places, shop, session, people, goes_on, observer));
  if (outcome.reason == "done") {
    if (!options.json) fmt::print("{}\n", outcome.text);
    return {};
  }
  const std::string_view words = end_in_words(outcome.reason);
  return Error(words.empty() ? outcome.text : std::string(tr(words)));
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
  options->engine.context_at_least = 8192;
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
  command->add_option("--model", options->engine.model,
                      "A model with a chat template: a file, a folder or a name in the store; without it the default");
  command->add_option("--workspace", options->workspace, "The folder to work in")->capture_default_str();
  command->add_option("--tools", options->tools, "The only tools wanted, by name: a,b")->delimiter(',');
  command->add_option("--mcp", options->mcp,
                      "An MCP server by its name in mcp.json, a file like that, or none; without it, all; repeatable");
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
  options->engine.add_to(*command);
}

}  // namespace ondol::cli
