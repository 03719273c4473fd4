#include "server/agent_documents.h"

#include <algorithm>

namespace ondol::server {
namespace {

std::string name_in(const VectorStore& store, const std::string& path) {
  const auto file = std::find_if(store.files.begin(), store.files.end(),
                                 [&](const AttachedFile& known) { return known.path == path; });
  return file == store.files.end() ? path : file->name;
}

}  // namespace

Result<std::vector<Hit>> search_collections(VectorStores& stores, std::string_view question, size_t n) {
  CollectionDocuments::Wish wish;
  wish.queries = {std::string(question)};
  wish.n = n;
  wish.is_wanted = [](const std::string&) { return true; };
  std::vector<CollectionDocuments::Piece> best;
  for (const VectorStore& store : stores.list("")) {
    const VectorStores::Searchable found = stores.searchable(store.id, "");
    if (found.error) continue;  // it has just been removed
    for (CollectionDocuments::Piece& piece : ONDOL_TRY(found.documents->search(wish))) {
      piece.hit.path = name_in(found.store, piece.hit.path);
      best.push_back(std::move(piece));
    }
  }
  std::stable_sort(best.begin(), best.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  std::vector<Hit> hits;
  for (size_t i = 0; i < std::min(n, best.size()); ++i) hits.push_back(std::move(best[i].hit));
  return hits;
}

}  // namespace ondol::server
