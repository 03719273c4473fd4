// Vectors that a PostgreSQL server searches itself, where it has the extension pgvector (0.5 or later): programs then
// need not hold them in memory. They lie beside the store's own rows and go with them.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "retrieve/lexical_index.h"

namespace ondol {

/// More are not found at once.
constexpr size_t kMostServerRows = 1000;

/// Whether the server has vectors of its own, which put() must keep up to date.
Result<bool> has_server_vectors(Database& database);

/// Makes them of all vectors that the store has, in a transaction of its own, unless they are there for vectors of this
/// width. Nothing is done where the server lacks the extension, or does not let this user create it, and with vectors
/// wider than it indexes. Whether they are there now.
Result<bool> make_server_vectors(Database& database, int64_t width);

/// Within the caller's transaction.
Result<void> put_server_vector(Database& database, int64_t chunk, size_t part, std::span<const float> values);
Result<void> drop_server_vectors(Database& database);

/// About the `n_rows` (at most kMostServerRows) rows that are nearest to a question, and all of `also`; a chunk may
/// come several times. Scores are cosines.
Result<std::vector<ScoredChunk>> nearest_by_server(Database& database, std::span<const float> question, size_t n_rows,
                                                   std::span<const int64_t> also);

}  // namespace ondol
