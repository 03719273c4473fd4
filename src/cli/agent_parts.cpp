#include "cli/agent_parts.h"

#include <filesystem>
#include <optional>

#include "cli/document_store_option.h"
#include "cli/open_embedder.h"
#include "cli/open_reranker.h"
#include "hub/store.h"

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
      reranker_ = ONDOL_TRY(open_kept_reranker(*store_));
    }
    SearchOptions wish;
    wish.n = n;
    wish.reranker = reranker_.get();
    if (embedder_) wish.meaning = ONDOL_TRY(embedder_->embed_question(std::string(question)));
    return store_->search(std::string(question), wish);
  }

 private:
  std::string place_;
  std::optional<DocumentStore> store_;
  std::unique_ptr<TextEmbedder> embedder_;
  std::unique_ptr<Reranker> reranker_;
};

}  // namespace

std::string agent_folder() {
  return (std::filesystem::path(StoreFolders::from_environment().own).parent_path() / "agent").string();
}

AgentPlaces agent_places(const std::string& data_folder, const std::string& store) {
  AgentPlaces places;
  places.data_folder = data_folder;
  places.reader_program = reader_program();
  if (!store.empty() && expect_store(store)) {
    const auto documents = std::make_shared<DocumentSearch>(store);
    places.search_documents = [documents](std::string_view question, size_t n) {
      return documents->search(question, n);
    };
  }
  return places;
}

Result<std::shared_ptr<AgentModel>> open_agent_model(const ModelOptions& options, std::function<bool()> goes_on) {
  auto engine = ONDOL_TRY(open_engine(options));
  const std::string path = ONDOL_TRY(resolve_model(options.model));
  auto model = ONDOL_TRY(
      EngineAgentModel::create(std::move(engine), std::filesystem::path(path).filename().string(), std::move(goes_on)));
  return std::shared_ptr<AgentModel>(std::move(model));
}

}  // namespace ondol::cli
