#include "server/collection_documents.h"

#include <algorithm>
#include <map>

namespace ondol::server {
namespace {

constexpr size_t kMostLooked = size_t{1} << 20;

/// One question at a time.
class SharedEmbedder final : public TextEmbedder {
 public:
  explicit SharedEmbedder(std::unique_ptr<TextEmbedder> embedder) : embedder_(std::move(embedder)) {}
  std::string name() const override { return embedder_->name(); }
  std::string source() const override { return embedder_->source(); }
  int width() const override { return embedder_->width(); }
  Result<std::vector<Parts>> embed_documents(std::span<const std::string> texts) override {
    const std::lock_guard lock(mutex_);
    return embedder_->embed_documents(texts);
  }
  Result<std::vector<float>> embed_question(const std::string& text) override {
    const std::lock_guard lock(mutex_);
    return embedder_->embed_question(text);
  }

 private:
  std::mutex mutex_;
  std::unique_ptr<TextEmbedder> embedder_;
};

}  // namespace

CollectionDocuments::CollectionDocuments(std::string place, OpenEmbedder open_embedder)
    : place_(std::move(place)), open_embedder_(std::move(open_embedder)) {}

Result<DocumentStore*> CollectionDocuments::opened() {
  if (!store_) store_.emplace(ONDOL_TRY(DocumentStore::open(place_)));
  return &*store_;
}

Result<std::shared_ptr<TextEmbedder>> CollectionDocuments::embedder(DocumentStore& store) {
  const std::string source = open_embedder_ ? ONDOL_TRY(store.embedder_source()) : "";
  const std::lock_guard lock(embedder_mutex_);
  if (source.empty()) return std::shared_ptr<TextEmbedder>();
  if (!embedder_ || embedder_->source() != source) {
    embedder_ = std::make_shared<SharedEmbedder>(ONDOL_TRY(open_embedder_(source)));
  }
  return embedder_;
}

Result<void> CollectionDocuments::put(const std::string& path, const Document& document,
                                      const std::function<bool()>& is_wanted) {
  const std::lock_guard lock(mutex_);
  if (!is_wanted()) return {};
  DocumentStore* store = ONDOL_TRY(opened());
  DocumentRecord record;
  record.path = path;
  record.size_bytes = static_cast<int64_t>(document.text.size());
  record.hash = hash_bytes({reinterpret_cast<const uint8_t*>(document.text.data()), document.text.size()});
  const auto done = store->put(record, document);
  if (!done) store->roll_back();
  return done ? store->commit() : done;
}

Result<void> CollectionDocuments::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  DocumentStore* store = ONDOL_TRY(opened());
  for (const DocumentRecord& record : ONDOL_TRY(store->documents())) {
    if (record.path != path) continue;
    const auto done = store->remove(record.id);
    if (!done) store->roll_back();
    return done ? store->commit() : done;
  }
  return {};
}

Result<std::vector<DocumentRecord>> CollectionDocuments::list() {
  const std::lock_guard lock(mutex_);
  DocumentStore* store = ONDOL_TRY(opened());
  return store->documents();
}

Result<std::vector<CollectionDocuments::Piece>> CollectionDocuments::search_one(
    DocumentStore& store, const std::string& query, size_t n,
    const std::function<bool(const std::string& path)>& is_wanted) {
  SearchOptions options;
  const auto embedder = ONDOL_TRY(this->embedder(store));
  if (embedder) options.meaning = ONDOL_TRY(embedder->embed_question(query));
  std::vector<Piece> pieces;
  for (options.n = 2 * n;; options.n *= 4) {
    const std::vector<Hit> hits = ONDOL_TRY(store.search(query, options));
    pieces.clear();
    for (const Hit& hit : hits) {
      if (!hit.path.empty() && is_wanted(hit.path) && pieces.size() < n) pieces.push_back({hit, hit.score});
    }
    const double best = hits.empty() ? 0 : hits[0].score;
    const double closeness = ONDOL_TRY(store.closeness(query));
    for (Piece& piece : pieces) piece.score = best > 0 ? std::clamp(closeness * piece.hit.score / best, 0.0, 1.0) : 0;
    if (pieces.size() == n || hits.size() < options.n || options.n >= kMostLooked) return pieces;
  }
}

Result<std::vector<CollectionDocuments::Piece>> CollectionDocuments::search(
    std::span<const std::string> queries, size_t n, const std::function<bool(const std::string& path)>& is_wanted) {
  const std::lock_guard lock(mutex_);
  DocumentStore* store = ONDOL_TRY(opened());
  std::map<int64_t, Piece> by_chunk;
  for (const std::string& query : queries) {
    for (Piece& piece : ONDOL_TRY(search_one(*store, query, n, is_wanted))) {
      Piece& known = by_chunk.try_emplace(piece.hit.chunk, piece).first->second;
      if (known.score < piece.score) known = std::move(piece);
    }
  }
  std::vector<Piece> best;
  for (auto& [chunk, piece] : by_chunk) best.push_back(std::move(piece));
  std::stable_sort(best.begin(), best.end(), [](const Piece& a, const Piece& b) { return a.score > b.score; });
  if (best.size() > n) best.resize(n);
  return best;
}

Result<Answer> CollectionDocuments::answer(const std::string& question, std::span<const AnsweredQuestion> history,
                                           TextGenerator* generator, const ClaimSink& sink) {
  DocumentStore store = ONDOL_TRY(DocumentStore::open(place_));
  const auto embedder = ONDOL_TRY(this->embedder(store));
  return Answerer(store, embedder.get(), generator).answer(question, history, sink);
}

}  // namespace ondol::server
