#include "server/vector_store_search.h"

#include <algorithm>
#include <map>

namespace ondol::server {

FoundPieces search_stores(VectorStores& stores, std::span<const std::string> ids, const std::string& asker,
                          const VectorSearch& wish) {
  FoundPieces all;
  for (const std::string& id : ids) {
    const auto place = stores.searchable(id, asker);
    if (place.error) return {{}, place.error};
    std::map<std::string, const AttachedFile*, std::less<>> wanted;
    for (const AttachedFile& file : place.store.files) {
      const bool is_read = file.status == AttachStatus::kCompleted;
      if (is_read && (!wish.filter || wish.filter->passes(file.attributes))) wanted.emplace(file.path, &file);
    }
    if (wanted.empty()) continue;
    const auto is_wanted = [&](const std::string& path) { return wanted.contains(path); };
    const CollectionDocuments::Wish here = {wish.queries, wish.n, wish.meaning_share, is_wanted, wish.reranks};
    auto found = place.documents->search(here);
    if (!found) return {{}, make_error(500, found.error().message())};
    for (CollectionDocuments::Piece& piece : *found) {
      if (piece.score < wish.least_score) continue;
      const AttachedFile& file = *wanted.at(piece.hit.path);
      all.pieces.push_back({id, file, std::move(piece.hit), piece.score});
    }
  }
  std::stable_sort(all.pieces.begin(), all.pieces.end(),
                   [](const FoundPiece& a, const FoundPiece& b) { return a.score > b.score; });
  if (all.pieces.size() > wish.n) all.pieces.resize(wish.n);
  return all;
}

json::object shown_place(const Hit& hit) {
  json::object place = {{"start", hit.start}, {"end", hit.end}};
  place["page"] = hit.page > 0 ? json::value(hit.page) : json::value();
  return place;
}

}  // namespace ondol::server
