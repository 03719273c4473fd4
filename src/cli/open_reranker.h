// Models that read the best of what was found again, for commands that search.
#pragma once

#include <memory>
#include <string>

#include "retrieve/document_store.h"
#include "retrieve/reranker.h"
#include "retrieve/text_embedder.h"

namespace ondol::cli {

/// A path or a name in the store of models.
Result<std::unique_ptr<Reranker>> open_reranker(const std::string& model);

/// The one that a document store keeps; null where it has none, or where it does not help.
Result<std::unique_ptr<Reranker>> open_kept_reranker(DocumentStore& store);

/// Measures how much the reranker helps, where the store does not know it yet, keeps it, and says so on standard error.
/// `embedder` may be null: words alone.
Result<void> weigh_reranker(DocumentStore& store, Reranker& reranker, TextEmbedder* embedder);

}  // namespace ondol::cli
