// ondol acp: the agent for editors that speak the Agent Client Protocol.
#include <csignal>
#include <filesystem>
#include <memory>
#include <mutex>

#include <fmt/format.h>
#include <unistd.h>

#include "agent/acp/acp_server.h"
#include "agent/engine_agent_model.h"
#include "agent/mcp/client_tool.h"
#include "cli/agent_parts.h"
#include "cli/command.h"
#include "cli/document_store_option.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "hub/store.h"

namespace ondol::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string approve = "ask";
  std::string scope = "workspace";
  std::vector<std::string> hosts;
  std::vector<std::string> tools;
  std::string data_folder;
  ModelOptions model;
  LoopOptions loop;
};

/// The model of all sessions, loaded when the first of them needs it; one turn at a time.
struct SharedAgentModel {
  std::mutex mutex;
  std::unique_ptr<EngineAgentModel> model;
};

class EditorSession : public acp::SessionAgent {
 public:
  static Result<std::unique_ptr<SessionAgent>> begin(const Options& options, SharedAgentModel& model,
                                                     const acp::SessionWish& wish) {
    const std::string& folder = wish.folder;
    auto tools =
        ONDOL_TRY(WorkTools::open({.workspace = folder,
                                   .tools = options.tools.empty() ? std::nullopt : std::optional(options.tools),
                                   .hosts = options.hosts,
                                   .data_folder = options.data_folder,
                                   .search_documents = {},
                                   .reader_program = reader_program(),
                                   .mqtt_broker = {},
                                   .has_network = options.scope == "full"}));
    auto session = ONDOL_TRY(open_session(options, wish));
    auto approvals = ONDOL_TRY(ApprovalMemory::open(options.data_folder + "/approvals", folder));
    const mcp::ServerPlace place{&tools->context().sandbox, folder};
    auto others = mcp::ServerTools::connect(
        wish.servers, {.version = "0.1.0"}, [] { return !interrupted.load(); }, place);
    for (const std::string& failure : others.failures()) fmt::print(stderr, "{}\n", failure);
    return std::unique_ptr<SessionAgent>(std::unique_ptr<EditorSession>(new EditorSession(
        options, model, wish, std::move(tools), std::move(session), std::move(approvals), std::move(others))));
  }

  const std::string& id() const override { return session_.id(); }
  const std::vector<json::object>& steps() const override { return session_.steps(); }

  Result<LoopOutcome> run(const std::string& goal, const acp::TurnHooks& hooks) override {
    const std::lock_guard lock(model_.mutex);
    if (model_.model == nullptr) {
      auto engine = ONDOL_TRY(open_engine(options_.model));
      const std::string path = ONDOL_TRY(resolve_model(options_.model.model));
      model_.model = ONDOL_TRY(EngineAgentModel::create(std::move(engine), fs::path(path).filename().string()));
    }
    ToolContext& context = tools_->context();
    context.goes_on = hooks.goes_on;
    context.ask_user = [](std::string_view) -> Result<std::string> {
      return Error("nobody can be asked in the middle of a turn: end it with the question");
    };
    std::vector<Tool*> all = tools_->tools();
    for (Tool* tool : others_.tools()) all.push_back(tool);
    if (terminal_) all.push_back(terminal_.get());
    LoopParts parts{.model = *model_.model,
                    .tools = std::move(all),
                    .context = context,
                    .session = session_,
                    .approvals = approvals_,
                    .secrets = secrets_,
                    .skills = skills_.skills,
                    .approve = hooks.approve,
                    .observer = hooks.observer,
                    .stream = hooks.stream,
                    .seconds_now = {}};
    AgentLoop loop(std::move(parts), options_.loop);
    return loop.run(goal);
  }

 private:
  /// A session belongs to the folder in which it was begun.
  static Result<AgentSession> open_session(const Options& options, const acp::SessionWish& wish) {
    const std::string sessions = options.data_folder + "/sessions";
    if (wish.id.empty())
      return AgentSession::create(sessions, {{"workspace", wish.folder}, {"model", options.model.model}});
    AgentSession session = ONDOL_TRY(AgentSession::open(sessions, wish.id));
    const std::string folder = string_or(session.header(), "workspace", "");
    if (folder == wish.folder) return session;
    return Error(fmt::format("session '{}': its folder is {}, not {}", wish.id, folder, wish.folder));
  }

  EditorSession(const Options& options, SharedAgentModel& model, const acp::SessionWish& wish,
                std::unique_ptr<WorkTools> tools, AgentSession session, ApprovalMemory approvals,
                mcp::ServerTools others)
      : options_(options),
        model_(model),
        tools_(std::move(tools)),
        session_(std::move(session)),
        approvals_(std::move(approvals)),
        others_(std::move(others)),
        skills_(read_skills({{wish.folder + "/.ondol/skills", true}, {options.data_folder + "/skills", false}})),
        terminal_(acp::make_terminal_tool(wish.editor, session_.id())) {
    acp::use_editor_files(wish.editor, session_.id(), tools_->context());
  }

  const Options& options_;
  SharedAgentModel& model_;
  std::unique_ptr<WorkTools> tools_;
  AgentSession session_;
  ApprovalMemory approvals_;
  mcp::ServerTools others_;
  const SecretFilter secrets_ = SecretFilter::of_process();
  const SkillList skills_;
  const std::unique_ptr<Tool> terminal_;
};

Result<void> serve_acp(Options& options) {
  std::signal(SIGPIPE, SIG_IGN);
  if (options.data_folder.empty()) options.data_folder = agent_folder();
  options.loop.policy = {*scope_named(options.scope), *approval_named(options.approve), options.hosts};
  SharedAgentModel model;
  const auto begin = [&](const acp::SessionWish& wish) { return EditorSession::begin(options, model, wish); };
  if (stderr_is_terminal()) fmt::print(stderr, "{}\n", tr("Waiting for an editor on standard input; Ctrl-D ends."));
  acp::serve(STDIN_FILENO, STDOUT_FILENO, begin, [] { return !interrupted.load(); });
  return {};
}

}  // namespace

void add_acp(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  options->model.context_at_least = 8192;
  CLI::App* command = add_command(
      app, "acp", "The agent for editors that speak the Agent Client Protocol, over standard input and output",
      "  ondol acp --model qwen3-4b\n"
      "In an editor's configuration:\n"
      "  {\"agent_servers\": {\"Ondol\": {\"command\": \"ondol\", \"args\": [\"acp\"]}}}\n",
      [options] { return serve_acp(*options); });
  command->add_option("--model", options->model.model,
                      "A model with a chat template: a file, a folder or a name in the store; without it the default");
  command->add_option("--tools", options->tools, "The only tools wanted, by name: a,b")->delimiter(',');
  command
      ->add_option("--scope", options->scope,
                   "What may happen at all: reading, changes of the workspace, or the network and devices too")
      ->capture_default_str()
      ->check(CLI::IsMember({"read-only", "workspace", "full"}));
  command
      ->add_option("--approve", options->approve,
                   "What changes something: ask in the editor, do it (auto), or refuse it (never)")
      ->capture_default_str()
      ->check(CLI::IsMember({"ask", "auto", "never"}));
  command->add_option("--allow-host", options->hosts,
                      "A host that may be reached (example.org, *.example.org); repeatable");
  command->add_option("--data-dir", options->data_folder, "The folder that keeps sessions, approvals and skills");
  options->model.add_to(*command);
}

}  // namespace ondol::cli
