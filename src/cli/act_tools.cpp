#include "cli/act_tools.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "agent/proxy.h"
#include "agent/tool_list.h"
#include "agent/workspace.h"
#include "cli/document_store_option.h"
#include "cli/open_embedder.h"
#include "hub/store.h"
#include "retrieve/reader_process.h"

namespace ondol::cli {
namespace {

/// The owner's documents, opened when they are first asked for.
class DocumentSearch {
 public:
  explicit DocumentSearch(std::string store) : place_(std::move(store)) {}

  Result<std::vector<Hit>> search(std::string_view question, size_t n) {
    if (!store_) {
      store_.emplace(ONDOL_TRY(DocumentStore::open(place_)));
      const std::string source = ONDOL_TRY(store_->embedder_source());
      if (!source.empty()) embedder_ = ONDOL_TRY(open_embedder(source).in("the store's embedding model"));
    }
    SearchOptions wish;
    wish.n = n;
    if (embedder_) wish.meaning = ONDOL_TRY(embedder_->embed_question(std::string(question)));
    return store_->search(std::string(question), wish);
  }

 private:
  std::string place_;
  std::optional<DocumentStore> store_;
  std::unique_ptr<TextEmbedder> embedder_;
};

class OpenTools final : public ActTools {
 public:
  OpenTools(Workspace workspace, std::unique_ptr<Sandbox> sandbox, const ActWishes& wishes)
      : workspace_(std::move(workspace)),
        sandbox_(std::move(sandbox)),
        context_{workspace_, *sandbox_, {}, {}},
        documents_(wishes.store),
        reader_({reader_program()}) {}

  Result<void> make(const ActWishes& wishes) {
    ToolNeeds needs;
    needs.host_names = wishes.hosts;
    if (wishes.has_network && !wishes.hosts.empty()) {
      ProxyOptions proxy;
      proxy.hosts = ONDOL_TRY(HostList::parse(wishes.hosts));
      proxy_ = ONDOL_TRY(Proxy::start(std::move(proxy)));
      needs.proxy_socket = proxy_->socket_path();
    }
    needs.notes_folder = wishes.data_folder + "/notes";
    if (expect_store(wishes.store)) {
      needs.search_documents = [this](std::string_view question, size_t n) { return documents_.search(question, n); };
    }
    needs.page_reader = &reader_;
    needs.mqtt_broker = wishes.mqtt_broker;
    tools_ = ONDOL_TRY(make_tools(needs));
    return keep(wishes.tools);
  }

  ToolContext& context() override { return context_; }
  std::vector<Tool*> tools() override {
    std::vector<Tool*> list;
    for (const auto& tool : tools_) list.push_back(tool.get());
    return list;
  }

 private:
  Result<void> keep(const std::vector<std::string>& names) {
    if (names.empty()) return {};
    std::vector<std::string> known;
    for (const auto& tool : tools_) known.push_back(tool->definition().name);
    for (const std::string& name : names) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      return Error(fmt::format("--tools: expected {}, got '{}'", fmt::join(known, ", "), name));
    }
    std::erase_if(tools_, [&](const auto& tool) {
      return std::find(names.begin(), names.end(), tool->definition().name) == names.end();
    });
    return {};
  }

  Workspace workspace_;
  std::unique_ptr<Sandbox> sandbox_;
  ToolContext context_;
  DocumentSearch documents_;
  ReaderProcess reader_;
  std::unique_ptr<Proxy> proxy_;
  std::vector<std::unique_ptr<Tool>> tools_;
};

}  // namespace

std::string agent_folder() {
  return (std::filesystem::path(StoreFolders::from_environment().own).parent_path() / "agent").string();
}

Result<std::unique_ptr<ActTools>> ActTools::open(const ActWishes& wishes) {
  Workspace workspace = ONDOL_TRY(Workspace::open(wishes.workspace));
  std::unique_ptr<Sandbox> sandbox = ONDOL_TRY(Sandbox::open());
  auto tools = std::make_unique<OpenTools>(std::move(workspace), std::move(sandbox), wishes);
  ONDOL_TRY(tools->make(wishes));
  return std::unique_ptr<ActTools>(std::move(tools));
}

}  // namespace ondol::cli
