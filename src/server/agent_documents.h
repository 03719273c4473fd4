// What agents of this server find in its documents.
#pragma once

#include <string_view>
#include <vector>

#include "retrieve/document_store.h"
#include "server/vector_stores.h"

namespace ondol::server {

/// The best passages of all collections that belong to no key alone, as /mcp offers them; paths are the files' names.
Result<std::vector<Hit>> search_collections(VectorStores& stores, std::string_view question, size_t n);

}  // namespace ondol::server
