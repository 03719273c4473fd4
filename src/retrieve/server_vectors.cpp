#include "retrieve/server_vectors.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "quant/format.h"
#include "retrieve/vector_rows.h"

namespace ondol {
namespace {

constexpr char kSetting[] = "server_vectors";  // their width, when they are there

/// Where the extension is put. Its type has the name of the store's table of vectors, so both cannot be in one schema.
constexpr char kSchema[] = "ondol_pgvector";

/// As far as pgvector indexes vectors.
constexpr int64_t kWidest = 2000;

/// '[0.1,0.2]'; what is no number is 0, as pgvector refuses it.
std::string text_of(std::span<const float> values) {
  std::string text = "[";
  for (const float value : values) {
    fmt::format_to(std::back_inserter(text), "{}{}", text.size() > 1 ? "," : "", std::isfinite(value) ? value : 0.0f);
  }
  return text + "]";
}

/// As SQL has its name; empty: there is no extension, or an old one.
Result<std::string> schema_of_extension(Database& database) {
  Statement find = ONDOL_TRY(database.prepare(
      "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace "
      "WHERE extname = 'vector' AND string_to_array(extversion, '.')::int[] >= ARRAY[0, 5]"));
  if (!ONDOL_TRY(find.next())) return std::string();
  return std::string(find.text(0));
}

Result<void> fill(Database& database, int64_t width) {
  Statement rows = ONDOL_TRY(database.prepare("SELECT chunk, part, data FROM vector"));
  while (ONDOL_TRY(rows.next())) {
    std::vector<float> values;
    if (!VectorRows::decoded(rows.bytes(2), width, values)) return Error("the store is damaged: a vector is no vector");
    ONDOL_TRY(put_server_vector(database, rows.integer(0), static_cast<size_t>(rows.integer(1)), values));
  }
  return {};
}

}  // namespace

Result<bool> has_server_vectors(Database& database) {
  if (!database.dialect().is_server) return false;
  Statement find = ONDOL_TRY(database.prepare("SELECT value FROM setting WHERE key = ?1"));
  return find.start(kSetting).next();
}

Result<bool> make_server_vectors(Database& database, int64_t width) {
  if (!database.dialect().is_server || width > kWidest) return false;
  if (ONDOL_TRY(has_server_vectors(database))) return true;
  if (ONDOL_TRY(schema_of_extension(database)).empty()) {
    // Who may not goes on without it.
    (void)database.execute(fmt::format("CREATE SCHEMA IF NOT EXISTS {0}; CREATE EXTENSION vector SCHEMA {0}", kSchema));
  }
  const std::string schema = ONDOL_TRY(schema_of_extension(database));
  if (schema.empty()) return false;
  Transaction transaction = ONDOL_TRY(Transaction::begin(database));
  if (ONDOL_TRY(has_server_vectors(database))) return true;
  ONDOL_TRY(database.execute(fmt::format(
      "CREATE TABLE server_vector (chunk BIGINT NOT NULL, part BIGINT NOT NULL, data {}.vector({}) NOT NULL, "
      "PRIMARY KEY (chunk, part), FOREIGN KEY (chunk, part) REFERENCES vector ON DELETE CASCADE);"
      "INSERT INTO setting (key, value) VALUES ('{}', '{}')",
      schema, width, kSetting, width)));
  ONDOL_TRY(fill(database, width));
  ONDOL_TRY(database.execute(fmt::format("CREATE INDEX ON server_vector USING hnsw (data {}.vector_ip_ops)", schema)));
  ONDOL_TRY(transaction.commit());
  return true;
}

Result<void> put_server_vector(Database& database, int64_t chunk, size_t part, std::span<const float> values) {
  const std::string schema = ONDOL_TRY(schema_of_extension(database));
  Statement insert = ONDOL_TRY(database.prepare(
      fmt::format("INSERT INTO server_vector (chunk, part, data) VALUES (?1, ?2, ?3::{}.vector)", schema)));
  return insert.run(chunk, part, text_of(values));
}

Result<void> drop_server_vectors(Database& database) {
  if (!ONDOL_TRY(has_server_vectors(database))) return {};
  return database.execute(fmt::format("DROP TABLE server_vector; DELETE FROM setting WHERE key = '{}'", kSetting));
}

Result<std::vector<ScoredChunk>> nearest_by_server(Database& database, std::span<const float> question, size_t n_rows,
                                                   std::span<const int64_t> also) {
  n_rows = std::clamp<size_t>(n_rows, 1, kMostServerRows);
  ONDOL_TRY(database.execute(fmt::format("SET hnsw.ef_search = {}", n_rows)));
  const std::string vector = text_of(question);
  const std::string wanted = fmt::format("{{{}}}", fmt::join(also, ","));
  std::vector<ScoredChunk> found;
  const auto take = [&](Statement& rows) -> Result<void> {
    while (ONDOL_TRY(rows.next())) found.push_back({rows.integer(0), static_cast<float>(-rows.real(1))});
    return {};
  };
  const std::string schema = ONDOL_TRY(schema_of_extension(database));
  const std::string distance = fmt::format("data OPERATOR({0}.<#>) ?1::{0}.vector", schema);
  Statement nearest =
      ONDOL_TRY(database.prepare(fmt::format("SELECT chunk, {0} FROM server_vector ORDER BY {0} LIMIT ?2", distance)));
  ONDOL_TRY(take(nearest.start(vector, n_rows)));
  Statement others = ONDOL_TRY(
      database.prepare(fmt::format("SELECT chunk, {} FROM server_vector WHERE chunk = ANY(?2::bigint[])", distance)));
  ONDOL_TRY(take(others.start(vector, wanted)));
  return found;
}

}  // namespace ondol
