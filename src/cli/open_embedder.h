// Embedding models for commands that search.
#pragma once

#include <memory>
#include <string>

#include "retrieve/document_store.h"
#include "retrieve/text_embedder.h"

namespace ondol::cli {

/// A path or a name in the store.
Result<std::unique_ptr<TextEmbedder>> open_embedder(const std::string& model);

/// Vectors for all pieces that have none. Ctrl-C stops; what is done stays.
Result<void> embed_with_progress(DocumentStore& store, TextEmbedder& embedder);

/// DocumentStore::complete_graph, which does something in very large stores only.
Result<void> link_with_progress(DocumentStore& store);

}  // namespace ondol::cli
