// ondol mcp: an MCP server over standard input and output, for programs that start it.
#include <csignal>
#include <filesystem>
#include <memory>
#include <mutex>

#include <fmt/format.h>
#include <unistd.h>

#include "agent/mcp/stdio_server.h"
#include "agent/mcp/tool_offer.h"
#include "cli/agent_parts.h"
#include "cli/command.h"
#include "cli/document_store_option.h"
#include "cli/language.h"
#include "cli/open_embedder.h"
#include "cli/open_reranker.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "server/engine_generator.h"
#include "server/mcp_knowledge.h"

namespace ondol::cli {
namespace {

struct Options {
  std::string workspace;  // "": no tools
  std::vector<std::string> tools;
  std::vector<std::string> hosts;
  std::string scope = "read-only";
  std::string approve = "ask";
  std::vector<std::string> stores;  // NAME=PATH or PATH
  ModelOptions model;
};

/// One model for all calls, loaded when it is first needed.
class SharedModel {
 public:
  explicit SharedModel(const ModelOptions& options) : options_(options) {}

  Result<std::unique_ptr<TextGenerator>> generator(bool follows) {
    const std::lock_guard lock(mutex_);
    if (generator_ == nullptr) {
      auto engine = ONDOL_TRY(open_engine(options_));
      follows_ = follows_instructions(*engine);
      generator_ = ONDOL_TRY(EngineGenerator::create(std::move(engine)));
    }
    if (follows && !follows_) return std::unique_ptr<TextGenerator>();
    return std::unique_ptr<TextGenerator>(std::make_unique<Turn>(*this));
  }

 private:
  class Turn : public TextGenerator {
   public:
    explicit Turn(SharedModel& model) : model_(model) {}
    bool is_discerning() const override { return model_.generator_->is_discerning(); }
    int64_t context_length() const override { return model_.generator_->context_length(); }
    int64_t count_tokens(std::string_view text) const override { return model_.generator_->count_tokens(text); }
    Result<int64_t> count_prompt(const std::vector<ChatTurn>& turns) const override {
      return model_.generator_->count_prompt(turns);
    }
    Result<std::string> generate(const Wish& wish) override {
      const std::lock_guard lock(model_.use_);
      return model_.generator_->generate(wish);
    }

   private:
    SharedModel& model_;
  };

  const ModelOptions& options_;
  std::mutex mutex_, use_;
  bool follows_ = false;
  std::unique_ptr<EngineGenerator> generator_;
};

struct NamedStore {
  std::string name;
  std::string place;
};

Result<std::vector<NamedStore>> read_stores(const std::vector<std::string>& given) {
  std::vector<NamedStore> stores;
  for (const std::string& text : given) {
    const size_t equals = text.find('=');
    NamedStore store{text.substr(0, equals), equals == std::string::npos ? text : text.substr(equals + 1)};
    if (equals == std::string::npos) store.name = std::filesystem::path(text).stem().string();
    ONDOL_TRY(expect_store(store.place));
    stores.push_back(std::move(store));
  }
  return stores;
}

server::EmbedderOf embedder_of() {
  const auto known = std::make_shared<std::map<std::string, std::shared_ptr<TextEmbedder>>>();
  const auto mutex = std::make_shared<std::mutex>();
  return [known, mutex](const std::string& source) -> Result<std::shared_ptr<TextEmbedder>> {
    const std::lock_guard lock(*mutex);
    auto& embedder = (*known)[source];
    if (embedder == nullptr) embedder = ONDOL_TRY(open_embedder(source));
    return embedder;
  };
}

server::RerankerOf reranker_of() {
  const auto known = std::make_shared<std::map<std::string, std::shared_ptr<Reranker>>>();
  const auto mutex = std::make_shared<std::mutex>();
  return [known, mutex](const std::string& source) -> Result<std::shared_ptr<Reranker>> {
    const std::lock_guard lock(*mutex);
    auto& reranker = (*known)[source];
    if (reranker == nullptr) reranker = ONDOL_TRY(open_reranker(source));
    return reranker;
  };
}

Result<void> offer_stores_and_model(const Options& options, SharedModel& model, mcp::Catalog& catalog) {
  server::KnowledgeSources sources;
  const auto stores = ONDOL_TRY(read_stores(options.stores));
  const auto documents = std::make_shared<std::map<std::string, std::shared_ptr<server::CollectionDocuments>>>();
  std::vector<std::string> names;
  for (const NamedStore& store : stores) {
    (*documents)[store.name] = std::make_shared<server::CollectionDocuments>(store.place, embedder_of(), reranker_of());
    names.push_back(store.name);
  }
  if (!names.empty()) {
    sources.collections = [names] { return names; };
    sources.documents = [documents](const std::string& name) -> Result<std::shared_ptr<server::CollectionDocuments>> {
      return documents->at(name);
    };
  }
  if (!options.model.model.empty()) {
    const std::string path = ONDOL_TRY(resolve_model(options.model.model));
    const std::string name = std::filesystem::path(path).stem().string();
    sources.models = [name] { return json::array{json::object{{"name", name}}}; };
    sources.generator = [&model, name](const std::string& wanted, bool follows,
                                       const std::function<bool()>&) -> Result<std::unique_ptr<TextGenerator>> {
      if (!wanted.empty() && wanted != name)
        return Error(fmt::format("model: there is no '{}'; there is: {}", wanted, name));
      return model.generator(follows);
    };
  }
  server::offer_knowledge(catalog, sources);
  return {};
}

Result<void> serve_mcp(const Options& options) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto catalog = std::make_shared<mcp::Catalog>();
  SharedModel model(options.model);
  ONDOL_TRY(offer_stores_and_model(options, model, *catalog));
  std::unique_ptr<WorkTools> tools;
  if (!options.workspace.empty()) {
    tools = ONDOL_TRY(WorkTools::open({.workspace = options.workspace,
                                       .tools = options.tools,
                                       .hosts = options.hosts,
                                       .data_folder = agent_folder(),
                                       .search_documents = {},
                                       .reader_program = reader_program(),
                                       .mqtt_broker = {},
                                       .has_network = options.scope == "full"}));
    const Policy policy{*scope_named(options.scope), *approval_named(options.approve), options.hosts};
    mcp::offer_tools(*catalog, {tools->tools(), tools->context().workspace, tools->context().sandbox, policy});
  }
  if (stderr_is_terminal()) fmt::print(stderr, "{}\n", tr("Waiting for an MCP client on standard input; Ctrl-D ends."));
  mcp::Server server(catalog, {.version = "0.1.0", .instructions = ""});
  mcp::serve_lines(server, STDIN_FILENO, STDOUT_FILENO, [] { return !interrupted.load(); });
  return {};
}

}  // namespace

void add_mcp(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      app, "mcp", "Offer documents, a model and tools to programs that speak MCP, over standard input and output",
      "  ondol mcp --store notes=notes.db\n"
      "  ondol mcp --store notes.db --model qwen3-0.6b\n"
      "  ondol mcp --workspace ~/project --scope workspace\n"
      "In a client's configuration:\n"
      "  {\"mcpServers\": {\"ondol\": {\"command\": \"ondol\", \"args\": [\"mcp\", \"--store\", \"notes.db\"]}}}\n",
      [options] { return serve_mcp(*options); });
  command->add_option("--store", options->stores, "Indexed documents to offer: NAME=PATH or PATH; repeatable");
  command->add_option("--model", options->model.model, "A model to offer: a file, a folder or a name in the store");
  command->add_option("--workspace", options->workspace, "A folder to offer tools for; without it there are none");
  command->add_option("--tools", options->tools, "The only tools wanted, by name: a,b")->delimiter(',');
  command
      ->add_option("--scope", options->scope,
                   "What tools may do at all: reading, changes of the workspace, or the network and devices too")
      ->capture_default_str()
      ->check(CLI::IsMember({"read-only", "workspace", "full"}));
  command
      ->add_option("--approve", options->approve,
                   "What changes something: ask through the client, do it (auto), or refuse it (never)")
      ->capture_default_str()
      ->check(CLI::IsMember({"ask", "auto", "never"}));
  command->add_option("--allow-host", options->hosts,
                      "A host that may be reached (example.org, *.example.org); repeatable");
  options->model.add_to(*command);
}

}  // namespace ondol::cli
