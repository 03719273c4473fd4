// Searching collections: the pieces that fit, with the files that they are of.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "server/vector_store_requests.h"
#include "server/vector_stores.h"

namespace ondol::server {

struct FoundPiece {
  std::string store;
  AttachedFile file;
  Hit hit;
  double score = 0;  // CollectionDocuments::Piece
};

struct FoundPieces {
  std::vector<FoundPiece> pieces;  // the best first
  std::optional<HttpError> error;
};

/// The best of all of them. On a thread of `stores`.
FoundPieces search_stores(VectorStores& stores, std::span<const std::string> ids, const std::string& asker,
                          const VectorSearch& wish);

/// A place in a document: {"page", "start", "end"}.
json::object shown_place(const Hit& hit);

}  // namespace ondol::server
