#include "retrieve/embedding.h"

namespace ondol {
namespace {

constexpr size_t kBatch = 64;

}  // namespace

Result<int64_t> embed_pending(DocumentStore& store, TextEmbedder& embedder,
                              const std::function<bool(int64_t, int64_t)>& progress) {
  ONDOL_TRY(store.set_embedder(embedder));
  ONDOL_TRY(store.commit());  // nobody else can write while a change is open, and the first vectors take a while
  const int64_t n_all = ONDOL_TRY(store.n_without_vectors());
  int64_t n_done = 0, last = 0;
  while (true) {
    const std::vector<DocumentStore::ChunkText> chunks = ONDOL_TRY(store.without_vectors(last, kBatch));
    if (chunks.empty() || (progress && !progress(n_done, n_all))) break;
    std::vector<std::string> texts;
    for (const auto& chunk : chunks) texts.push_back(chunk.text);
    const auto vectors = ONDOL_TRY(embedder.embed_documents(texts));
    for (size_t i = 0; i < chunks.size(); ++i) ONDOL_TRY(store.put_vectors(chunks[i].chunk, vectors[i]));
    ONDOL_TRY(store.commit());
    last = chunks.back().chunk;
    n_done += static_cast<int64_t>(chunks.size());
  }
  return n_done;
}

}  // namespace ondol
