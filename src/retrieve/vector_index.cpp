#include "retrieve/vector_index.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "quant/format.h"

namespace ondol {
namespace {

constexpr int64_t kBlock = 32;  // of Q8_0
constexpr int64_t kWidest = 1 << 16;

int64_t padded(int64_t width) {
  return (width + kBlock - 1) / kBlock * kBlock;
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
  ONDOL_CHECK(width > 0 && width <= kWidest);
  if (ONDOL_TRY(setting("embedder")) != name) ONDOL_TRY(database_->execute("DELETE FROM vector"));
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
  for (size_t i = 0; i < parts.size(); ++i) {
    std::vector<float> values = parts[i];
    values.resize(static_cast<size_t>(padded(static_cast<int64_t>(values.size()))));
    const auto n = static_cast<int64_t>(values.size());
    std::vector<uint8_t> row(row_bytes(DType::Q8_0, n));
    format_of(DType::Q8_0).encode(values.data(), nullptr, row.data(), n);
    ONDOL_TRY(insert_.run(chunk, i, std::span<const uint8_t>(row)));
  }
  version_ = -1;
  return {};
}

Result<void> VectorIndex::refresh() {
  const int64_t version = ONDOL_TRY(database_->version());
  if (version == version_) return {};
  const int64_t width =
      ONDOL_TRY(database_->number("SELECT CAST(value AS INTEGER) FROM setting WHERE key = 'embedder_width'"));
  if (width < 0 || width > kWidest) return Error(fmt::format("the store is damaged: vectors of width {}", width));
  width_ = width;
  const size_t size = row_bytes(DType::Q8_0, padded(width));
  const int64_t n = ONDOL_TRY(database_->number("SELECT count(*) FROM vector"));
  chunks_.clear();
  rows_ = Buffer(size * static_cast<size_t>(n));
  Statement statement = ONDOL_TRY(database_->prepare("SELECT chunk, data FROM vector ORDER BY chunk, part"));
  for (int64_t row = 0; row < n && ONDOL_TRY(statement.next()); ++row) {
    const std::span<const uint8_t> bytes = statement.bytes(1);
    if (bytes.size() != size) {
      return Error(fmt::format("the store is damaged: expected a vector of {} bytes, got {}", size, bytes.size()));
    }
    std::memcpy(rows_.data() + size * static_cast<size_t>(row), bytes.data(), size);
    chunks_.push_back(statement.integer(0));
  }
  version_ = version;
  return {};
}

Result<std::vector<VectorIndex::Nearness>> VectorIndex::nearness(std::span<const float> question) {
  ONDOL_TRY(refresh());
  std::vector<Nearness> found;
  if (chunks_.empty()) return found;
  if (static_cast<int64_t>(question.size()) != width_) {
    return Error(fmt::format("expected a question's vector of width {}, got {}", width_, question.size()));
  }
  if (!backend_) backend_ = ONDOL_TRY(create_cpu_backend());
  const auto n = static_cast<int64_t>(chunks_.size());
  std::vector<float> x(question.begin(), question.end());
  const int64_t columns = padded(width_);
  x.resize(static_cast<size_t>(columns));
  std::vector<float> cosines(chunks_.size());
  const Weight rows{Tensor(DType::Q8_0, {n, columns}, rows_.data()), {}};
  const LinearJob job{&rows, Tensor(DType::F32, {1, n}, cosines.data())};
  backend_->linear(Tensor(DType::F32, {1, columns}, x.data()), {&job, 1});
  for (size_t i = 0; i < cosines.size(); ++i) {
    if (found.empty() || found.back().chunk != chunks_[i]) {
      found.push_back({chunks_[i], cosines[i]});
    } else {
      found.back().cosine = std::max(found.back().cosine, cosines[i]);
    }
  }
  return found;
}

}  // namespace ondol
