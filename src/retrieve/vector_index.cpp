#include "retrieve/vector_index.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "retrieve/server_vectors.h"

namespace ondol {
namespace {

/// Rows that are looked at again for each that is wanted, and at least so many.
constexpr size_t kLooksPerWanted = 8;
constexpr size_t kLeastLooks = 1000;

/// More than this share of all rows is not worth choosing.
constexpr size_t kMostShare = 8;

/// The graph's.
constexpr size_t kGraphLooksPerWanted = 3;
constexpr size_t kLeastGraphLooks = 300;
constexpr size_t kMostByGraph = 1000;

/// The server's, among which a chunk may be several times.
constexpr size_t kServerLooksPerWanted = 3;

/// More than one row in so many beside the graph is too many; fewer than one in so many are left beside it.
constexpr size_t kMostBeside = 10;
constexpr size_t kFewBeside = 50;

/// One dead node in so many.
constexpr size_t kMostDead = 5;

/// A graph that is being made is saved when it has grown by so much.
constexpr size_t kLeastSaved = 100'000;
constexpr size_t kSavedShare = 4;

size_t n_dead_allowed(const NearGraph& graph) {
  return graph.n_nodes() / kMostDead;
}

/// The nearest row counts for its chunk.
std::vector<VectorIndex::Nearness> by_chunk(std::span<const int64_t> chunks, std::span<const float> cosines) {
  std::vector<VectorIndex::Nearness> found;
  for (size_t i = 0; i < cosines.size(); ++i) {
    if (found.empty() || found.back().chunk != chunks[i]) {
      found.push_back({chunks[i], cosines[i]});
    } else {
      found.back().cosine = std::max(found.back().cosine, cosines[i]);
    }
  }
  return found;
}

}  // namespace

VectorIndex::VectorIndex(VectorIndex&&) noexcept = default;
VectorIndex::~VectorIndex() = default;

Result<VectorIndex> VectorIndex::open(Database& database) {
  return VectorIndex(database,
                     ONDOL_TRY(database.prepare("INSERT INTO vector (chunk, part, data) VALUES (?1, ?2, ?3)")),
                     ONDOL_TRY(database.prepare("DELETE FROM vector WHERE chunk = ?1")));
}

Result<std::string> VectorIndex::setting(std::string_view key) {
  Statement statement = ONDOL_TRY(database_->prepare("SELECT value FROM setting WHERE key = ?1"));
  if (!ONDOL_TRY(statement.start(key).next())) return std::string();
  return std::string(statement.text(0));
}

Result<std::string> VectorIndex::source() {
  return setting("embedder_source");
}

Result<void> VectorIndex::set_model(const std::string& name, const std::string& source, int width) {
  ONDOL_CHECK(width > 0 && width <= VectorRows::kWidest);
  if (ONDOL_TRY(setting("embedder")) != name) {
    ONDOL_TRY(drop_server_vectors(*database_));
    ONDOL_TRY(database_->execute("DELETE FROM vector"));
  }
  Statement put =
      ONDOL_TRY(database_->prepare("INSERT INTO setting (key, value) VALUES (?1, ?2) "
                                   "ON CONFLICT (key) DO UPDATE SET value = excluded.value"));
  ONDOL_TRY(put.run("embedder", name));
  ONDOL_TRY(put.run("embedder_source", source));
  ONDOL_TRY(put.run("embedder_width", std::to_string(width)));
  version_ = -1;
  return {};
}

Result<void> VectorIndex::put(int64_t chunk, std::span<const std::vector<float>> parts) {
  ONDOL_TRY(remove_.run(chunk));
  const bool server_searches = ONDOL_TRY(has_server_vectors(*database_));
  for (size_t i = 0; i < parts.size(); ++i) {
    ONDOL_TRY(insert_.run(chunk, i, std::span<const uint8_t>(VectorRows::encoded(parts[i]))));
    if (server_searches) ONDOL_TRY(put_server_vector(*database_, chunk, i, parts[i]));
  }
  version_ = -1;
  return {};
}

Result<void> VectorIndex::refresh() {
  const int64_t version = ONDOL_TRY(database_->version());
  if (version == version_) return {};
  version_ = -1;
  codes_.reset();
  graph_.reset();
  n_questions_ = 0;
  *rows_ = VectorRows();
  *rows_ = ONDOL_TRY(VectorRows::read(*database_));
  if (!backend_) backend_ = ONDOL_TRY(create_cpu_backend());
  version_ = version;
  return {};
}

Result<void> VectorIndex::expect_width(std::span<const float> question, int64_t width) const {
  if (static_cast<int64_t>(question.size()) == width) return {};
  return Error(fmt::format("expected a question's vector of width {}, got {}", width, question.size()));
}

Result<std::vector<VectorIndex::Nearness>> VectorIndex::nearness(std::span<const float> question) {
  ONDOL_TRY(refresh());
  if (rows_->size() > 0) ONDOL_TRY(expect_width(question, rows_->width()));
  if (rows_->size() == 0) return std::vector<Nearness>();
  return by_chunk(rows_->chunks(), rows_->cosines(*backend_, question));
}

Result<std::vector<VectorIndex::Nearness>> VectorIndex::nearest(std::span<const float> question, size_t n,
                                                                std::span<const int64_t> also) {
  if (n <= kMostServerRows / kServerLooksPerWanted && ONDOL_TRY(has_server_vectors(*database_))) {
    return nearest_in_server(question, n, also);
  }
  ONDOL_TRY(refresh());
  if (rows_->size() > 0) ONDOL_TRY(expect_width(question, rows_->width()));
  const size_t n_looks = std::max(kLooksPerWanted * std::min(n, rows_->size()), kLeastLooks);
  const bool is_few =
      rows_->size() < std::min(limits_.sign_codes, limits_.graph) || n_looks > rows_->size() / kMostShare;
  if (is_few || ++n_questions_ == 1) return nearness(question);
  ONDOL_TRY(prepare_search());
  std::vector<uint32_t> looked;
  if (graph_ && n <= kMostByGraph) {
    looked = graph_->nearest(question, std::max(kGraphLooksPerWanted * n, kLeastGraphLooks));
    looked.insert(looked.end(), beside_graph_.begin(), beside_graph_.end());
  } else {
    if (!codes_) codes_ = std::make_unique<SignCodes>(*rows_);
    looked = codes_->nearest(question, n_looks);
  }
  const std::vector<uint32_t> rows = whole_chunks(looked, also);
  std::vector<int64_t> chunks;
  chunks.reserve(rows.size());
  for (const uint32_t row : rows) chunks.push_back(rows_->chunks()[row]);
  return by_chunk(chunks, rows_->cosines(*backend_, question, rows));
}

Result<std::vector<VectorIndex::Nearness>> VectorIndex::nearest_in_server(std::span<const float> question, size_t n,
                                                                          std::span<const int64_t> also) {
  const int64_t width =
      ONDOL_TRY(database_->number("SELECT CAST(value AS INTEGER) FROM setting WHERE key = 'embedder_width'"));
  ONDOL_TRY(expect_width(question, width));
  std::vector<ScoredChunk> rows = ONDOL_TRY(nearest_by_server(*database_, question, kServerLooksPerWanted * n, also));
  std::sort(rows.begin(), rows.end(), [](const ScoredChunk& a, const ScoredChunk& b) { return a.chunk < b.chunk; });
  std::vector<int64_t> chunks;
  std::vector<float> cosines;
  for (const ScoredChunk& row : rows) {
    chunks.push_back(row.chunk);
    cosines.push_back(row.score);
  }
  return by_chunk(chunks, cosines);
}

/// A graph that lacks much, or of which much is gone, is not walked.
Result<void> VectorIndex::prepare_search() {
  if (graph_ || codes_ || rows_->size() < limits_.graph) return {};
  ONDOL_TRY(open_graph());
  const bool is_usable =
      beside_graph_.size() <= rows_->size() / kMostBeside && graph_->n_dead() <= n_dead_allowed(*graph_);
  if (!is_usable) graph_.reset();
  if (!graph_) codes_ = std::make_unique<SignCodes>(*rows_);
  return {};
}

Result<void> VectorIndex::open_graph() {
  graph_ = std::make_unique<NearGraph>(ONDOL_TRY(read_near_graph(*database_)));
  beside_graph_ = graph_->bind(*rows_);
  return {};
}

Result<int64_t> VectorIndex::complete_graph(const std::function<bool(int64_t, int64_t)>& progress) {
  const auto n_vectors = static_cast<size_t>(ONDOL_TRY(database_->number("SELECT count(*) FROM vector")));
  if (n_vectors >= limits_.server) {
    const std::string width = ONDOL_TRY(setting("embedder_width"));
    if (ONDOL_TRY(make_server_vectors(*database_, std::atoll(width.c_str())))) return int64_t{0};
  }
  if (n_vectors < limits_.graph) return int64_t{0};
  std::string version;
  {
    Transaction reading = ONDOL_TRY(Transaction::begin_reading(*database_));
    version = ONDOL_TRY(near_graph_version(*database_));
    ONDOL_TRY(refresh());
    ONDOL_TRY(open_graph());
  }
  if (graph_->n_dead() > n_dead_allowed(*graph_)) {
    *graph_ = NearGraph();
    beside_graph_ = graph_->bind(*rows_);
  }
  const std::vector<uint32_t> rows = std::exchange(beside_graph_, {});
  if (graph_->n_nodes() > 0 && rows.size() <= rows_->size() / kFewBeside) {
    beside_graph_ = rows;
    return int64_t{0};
  }
  ThreadPool pool;
  size_t n_done = 0, n_saved = 0;
  while (n_done < rows.size()) {
    if (progress && !progress(static_cast<int64_t>(n_done), static_cast<int64_t>(rows.size()))) break;
    n_done += graph_->add_batch(std::span(rows).subspan(n_done), pool);
    if (n_done - n_saved < std::max(kLeastSaved, graph_->n_nodes() / kSavedShare)) continue;
    if (!ONDOL_TRY(write_near_graph(*database_, *graph_, version))) break;
    n_saved = n_done;
  }
  const bool is_kept = n_saved == n_done || ONDOL_TRY(write_near_graph(*database_, *graph_, version));
  beside_graph_.assign(rows.begin() + static_cast<std::ptrdiff_t>(n_done), rows.end());
  if (!is_kept) version_ = -1;
  return static_cast<int64_t>(n_done);
}

std::vector<uint32_t> VectorIndex::whole_chunks(std::span<const uint32_t> rows, std::span<const int64_t> also) const {
  const std::span<const int64_t> chunks = rows_->chunks();
  std::vector<uint32_t> whole;
  whole.reserve(rows.size() + also.size());
  const auto add = [&](size_t row) {
    const int64_t chunk = chunks[row];
    while (row > 0 && chunks[row - 1] == chunk) --row;
    for (; row < chunks.size() && chunks[row] == chunk; ++row) whole.push_back(static_cast<uint32_t>(row));
  };
  for (const uint32_t row : rows) add(row);
  for (const int64_t chunk : also) {
    const auto at = std::lower_bound(chunks.begin(), chunks.end(), chunk);
    if (at != chunks.end() && *at == chunk) add(static_cast<size_t>(at - chunks.begin()));
  }
  std::sort(whole.begin(), whole.end());
  whole.erase(std::unique(whole.begin(), whole.end()), whole.end());
  return whole;
}

}  // namespace ondol
