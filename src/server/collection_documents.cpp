#include "server/collection_documents.h"

#include <algorithm>
#include <map>

#include "retrieve/embedding.h"
#include "retrieve/rerank_calibration.h"

namespace ondol::server {
namespace {

constexpr size_t kMostLooked = size_t{1} << 20;

/// How near the best piece comes to a question, by its words or its meaning.
Result<double> closeness_of(DocumentStore& store, const std::string& query, const std::vector<float>& meaning) {
  double closeness = ONDOL_TRY(store.closeness(query));
  if (meaning.empty()) return closeness;
  for (const auto& near : ONDOL_TRY(store.scores(query, meaning)).meaning) {
    closeness = std::max(closeness, static_cast<double>(near.cosine));
  }
  return closeness;
}

}  // namespace

Result<DocumentStore*> CollectionDocuments::opened() {
  if (!store_) store_.emplace(ONDOL_TRY(DocumentStore::open(place_)));
  return &*store_;
}

Result<std::shared_ptr<TextEmbedder>> CollectionDocuments::embedder() {
  std::string source;
  {
    const std::lock_guard lock(mutex_);
    DocumentStore* store = ONDOL_TRY(opened());
    source = ONDOL_TRY(store->embedder_source());
  }
  if (source.empty() || !embedder_of_) return std::shared_ptr<TextEmbedder>();
  return embedder_of_(source);
}

Result<std::shared_ptr<Reranker>> CollectionDocuments::reranker() {
  std::optional<DocumentStore::KeptReranker> kept;
  {
    const std::lock_guard lock(mutex_);
    DocumentStore* store = ONDOL_TRY(opened());
    kept = ONDOL_TRY(store->kept_reranker());
  }
  if (!kept || kept->share == 0 || !reranker_of_) return std::shared_ptr<Reranker>();
  return reranker_of_(kept->source);
}

Result<void> CollectionDocuments::put(const std::string& path, const Document& document, const ChunkerOptions& chunks) {
  const std::lock_guard lock(mutex_);
  DocumentStore* store = ONDOL_TRY(opened());
  DocumentRecord record;
  record.path = path;
  record.size_bytes = static_cast<int64_t>(document.text.size());
  record.hash = hash_bytes({reinterpret_cast<const uint8_t*>(document.text.data()), document.text.size()});
  const auto done = store->put(record, document, chunks);
  if (!done) store->roll_back();
  return done ? store->commit() : done;
}

Result<void> CollectionDocuments::embed(TextEmbedder& embedder, const GoesOn& goes_on) {
  DocumentStore store = ONDOL_TRY(DocumentStore::open(place_));
  ONDOL_TRY(embed_pending(store, embedder, [&](int64_t, int64_t) { return goes_on(); }));
  return {};
}

Result<void> CollectionDocuments::weigh(Reranker& reranker, TextEmbedder* embedder, const GoesOn& goes_on) {
  DocumentStore store = ONDOL_TRY(DocumentStore::open(place_));
  if (!ONDOL_TRY(wants_rerank_calibration(store, reranker.name()))) return {};
  ONDOL_TRY(calibrate_and_keep(store, reranker, embedder, [&](int64_t, int64_t) { return goes_on(); }));
  return {};
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

Result<std::vector<CollectionDocuments::Piece>> CollectionDocuments::search_one(DocumentStore& store,
                                                                                const std::string& query,
                                                                                const Wish& wish,
                                                                                SearchOptions options) {
  options.meaning_share = wish.meaning_share;
  const double closeness = ONDOL_TRY(closeness_of(store, query, options.meaning));
  std::vector<Piece> pieces;
  for (options.n = 2 * wish.n;; options.n *= 4) {
    const std::vector<Hit> hits = ONDOL_TRY(store.search(query, options));
    const double best = hits.empty() ? 0 : hits[0].score;
    pieces.clear();
    for (const Hit& hit : hits) {
      if (pieces.size() == wish.n || !wish.is_wanted(hit.path)) continue;
      pieces.push_back({hit, best > 0 ? std::clamp(closeness * hit.score / best, 0.0, 1.0) : 0});
    }
    if (pieces.size() == wish.n || hits.size() < options.n || options.n >= kMostLooked) return pieces;
  }
}

Result<std::vector<CollectionDocuments::Piece>> CollectionDocuments::search(const Wish& wish) {
  std::vector<SearchOptions> options(wish.queries.size());
  if (const auto embedder = ONDOL_TRY(this->embedder())) {
    for (size_t i = 0; i < options.size(); ++i) {
      options[i].meaning = ONDOL_TRY(embedder->embed_question(wish.queries[i]));
    }
  }
  std::shared_ptr<Reranker> reranker;
  if (wish.reranks) reranker = ONDOL_TRY(this->reranker());
  for (SearchOptions& one : options) one.reranker = reranker.get();
  const std::lock_guard lock(mutex_);
  DocumentStore* store = ONDOL_TRY(opened());
  std::map<int64_t, Piece> by_chunk;
  for (size_t i = 0; i < wish.queries.size(); ++i) {
    for (Piece& piece : ONDOL_TRY(search_one(*store, wish.queries[i], wish, options[i]))) {
      Piece& known = by_chunk.try_emplace(piece.hit.chunk, piece).first->second;
      if (known.score < piece.score) known = std::move(piece);
    }
  }
  std::vector<Piece> best;
  for (auto& [chunk, piece] : by_chunk) best.push_back(std::move(piece));
  std::stable_sort(best.begin(), best.end(), [](const Piece& a, const Piece& b) { return a.score > b.score; });
  if (best.size() > wish.n) best.resize(wish.n);
  return best;
}

Result<Answer> CollectionDocuments::answer(const std::string& question, std::span<const AnsweredQuestion> history,
                                           TextGenerator* generator, const ClaimSink& sink) {
  const auto embedder = ONDOL_TRY(this->embedder());
  const auto reranker = ONDOL_TRY(this->reranker());
  DocumentStore store = ONDOL_TRY(DocumentStore::open(place_));
  AnswerOptions options;
  options.search.reranker = reranker.get();
  return Answerer(store, embedder.get(), generator, options).answer(question, history, sink);
}

}  // namespace ondol::server
