#include "retrieve/near_graph_table.h"

#include <random>

#include <fmt/format.h>

namespace ondol {
namespace {

constexpr char kSetting[] = "near_graph";

}  // namespace

Result<std::string> near_graph_version(Database& database) {
  Statement find = ONDOL_TRY(database.prepare("SELECT value FROM setting WHERE key = ?1"));
  if (!ONDOL_TRY(find.start(kSetting).next())) return std::string();
  return std::string(find.text(0));
}

Result<NearGraph> read_near_graph(Database& database) {
  NearGraph graph;
  if (ONDOL_TRY(near_graph_version(database)).empty()) return graph;
  Statement blocks = ONDOL_TRY(database.prepare("SELECT block, data FROM near_graph ORDER BY block"));
  for (int64_t expected = 0; ONDOL_TRY(blocks.next()); ++expected) {
    if (blocks.integer(0) != expected || !graph.add_block(blocks.bytes(1))) return NearGraph();
  }
  if (!graph.check()) return NearGraph();
  graph.forget_changes();
  return graph;
}

Result<bool> write_near_graph(Database& database, NearGraph& graph, std::string& version) {
  Transaction transaction = ONDOL_TRY(Transaction::begin(database));
  if (ONDOL_TRY(near_graph_version(database)) != version) return false;
  const sql::Dialect dialect = database.dialect();
  ONDOL_TRY(
      database.execute(fmt::format("CREATE TABLE IF NOT EXISTS near_graph (block {} PRIMARY KEY, data {} NOT NULL)",
                                   dialect.integer, dialect.bytes)));
  Statement put =
      ONDOL_TRY(database.prepare("INSERT INTO near_graph (block, data) VALUES (?1, ?2) "
                                 "ON CONFLICT (block) DO UPDATE SET data = excluded.data"));
  for (size_t block = 0; block < graph.n_blocks(); ++block) {
    if (!graph.is_block_changed(block)) continue;
    ONDOL_TRY(put.run(block, std::span<const uint8_t>(graph.block(block))));
  }
  Statement cut = ONDOL_TRY(database.prepare("DELETE FROM near_graph WHERE block >= ?1"));
  ONDOL_TRY(cut.run(graph.n_blocks()));
  std::random_device random;
  const std::string written = fmt::format("{:08x}{:08x}", random(), random());
  Statement set =
      ONDOL_TRY(database.prepare("INSERT INTO setting (key, value) VALUES (?1, ?2) "
                                 "ON CONFLICT (key) DO UPDATE SET value = excluded.value"));
  ONDOL_TRY(set.run(kSetting, written));
  ONDOL_TRY(transaction.commit());
  graph.forget_changes();
  version = written;
  return true;
}

}  // namespace ondol
