// A NearGraph in a store: a table of its blocks, and a setting that tells which graph it is. The table is made with the
// first graph, so that stores without one stay as they were.
#pragma once

#include <string>

#include "retrieve/database.h"
#include "retrieve/near_graph.h"

namespace ondol {

/// A name for what is there, another one whenever it was written; empty: there is none.
Result<std::string> near_graph_version(Database& database);

/// The graph that is there; without one, or from one that is damaged, an empty one: it can be made again.
Result<NearGraph> read_near_graph(Database& database);

/// In a transaction of its own: the blocks that have changed, unless the store's version is not `version`, as another
/// program was quicker. Whether it did; `version` is then the new one.
Result<bool> write_near_graph(Database& database, NearGraph& graph, std::string& version);

}  // namespace ondol
