// Vectors for the pieces of a store that have none yet.
#pragma once

#include <functional>

#include "retrieve/document_store.h"
#include "retrieve/text_embedder.h"

namespace ondol {

/// Calls `progress` with how many pieces are done and how many were to be done; false stops, and what is done stays.
/// Vectors of another model are forgotten first. Commits in parts, so a program that is killed goes on where it was.
/// The number of pieces that got vectors.
Result<int64_t> embed_pending(DocumentStore& store, TextEmbedder& embedder,
                              const std::function<bool(int64_t done, int64_t all)>& progress = {});

}  // namespace ondol
