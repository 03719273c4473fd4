// The blocks of a graph of vectors: whatever they hold, it is refused or can be walked and grown.
#include "base/check.h"
#include "retrieve/near_graph.h"

using namespace ondol;

namespace {

VectorRows some_rows() {
  Database database = Database::open(":memory:").value();
  ONDOL_CHECK(
      database.execute("CREATE TABLE vector (chunk INTEGER, part INTEGER, data BLOB);"
                       "CREATE TABLE setting (key TEXT, value TEXT);"
                       "INSERT INTO setting VALUES ('embedder_width', '32')"));
  Statement insert = database.prepare("INSERT INTO vector VALUES (?1, ?2, ?3)").value();
  for (int i = 0; i < 6; ++i) {
    std::vector<float> values(32);
    values[static_cast<size_t>(i)] = 1;
    ONDOL_CHECK(insert.run(i / 2, i % 2, std::span<const uint8_t>(VectorRows::encoded(values))));
  }
  return VectorRows::read(database).value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const VectorRows rows = some_rows();
  static ThreadPool pool(1);
  NearGraph graph;
  if (!graph.add_block({data, size}) || !graph.check()) return 0;
  ONDOL_CHECK(graph.n_blocks() == 1 && graph.block(0) == std::vector<uint8_t>(data, data + size));
  const std::vector<uint32_t> without = graph.bind(rows);
  ONDOL_CHECK(graph.n_dead() + rows.size() == graph.n_nodes() + without.size());
  std::vector<float> question(32);
  question[0] = 1;
  for (const uint32_t row : graph.nearest(question, 3)) ONDOL_CHECK(row < rows.size());
  for (size_t done = 0; done < without.size();) done += graph.add_batch(std::span(without).subspan(done), pool);
  ONDOL_CHECK(!graph.nearest(question, 3).empty() && graph.check());
  return 0;
}
