#include "retrieve/vector_rows.h"

#include <cstring>

#include <fmt/format.h>

#include "quant/format.h"

namespace ondol {
namespace {

constexpr int64_t kBlock = 32;  // of Q8_0

/// Rows are numbered in 32 bits.
constexpr int64_t kMostRows = int64_t{1} << 31;

int64_t padded(int64_t width) {
  return (width + kBlock - 1) / kBlock * kBlock;
}

std::vector<float> products(Backend& backend, std::span<const float> question, int64_t columns, void* rows, size_t n) {
  std::vector<float> x(question.begin(), question.end());
  x.resize(static_cast<size_t>(columns));
  std::vector<float> found(n);
  const auto n_rows = static_cast<int64_t>(n);
  const Weight weight{Tensor(DType::Q8_0, {n_rows, columns}, rows), {}};
  const LinearJob job{&weight, Tensor(DType::F32, {1, n_rows}, found.data())};
  backend.linear(Tensor(DType::F32, {1, columns}, x.data()), {&job, 1});
  return found;
}

}  // namespace

Result<VectorRows> VectorRows::read(Database& database) {
  VectorRows rows;
  const int64_t width =
      ONDOL_TRY(database.number("SELECT CAST(value AS INTEGER) FROM setting WHERE key = 'embedder_width'"));
  if (width < 0 || width > kWidest) return Error(fmt::format("the store is damaged: vectors of width {}", width));
  rows.width_ = width;
  rows.row_size_bytes_ = row_bytes(DType::Q8_0, padded(width));
  const int64_t n = ONDOL_TRY(database.number("SELECT count(*) FROM vector"));
  if (n > kMostRows) return Error(fmt::format("expected up to {} vectors, got {}", kMostRows, n));
  const size_t size = rows.row_size_bytes_;
  rows.bytes_ = Buffer(size * static_cast<size_t>(n));
  rows.chunks_.reserve(static_cast<size_t>(n));
  Statement statement = ONDOL_TRY(database.prepare("SELECT chunk, data FROM vector ORDER BY chunk, part"));
  for (int64_t row = 0; row < n && ONDOL_TRY(statement.next()); ++row) {
    const std::span<const uint8_t> bytes = statement.bytes(1);
    if (bytes.size() != size) {
      return Error(fmt::format("the store is damaged: expected a vector of {} bytes, got {}", size, bytes.size()));
    }
    std::memcpy(rows.bytes_.data() + size * static_cast<size_t>(row), bytes.data(), size);
    rows.chunks_.push_back(statement.integer(0));
  }
  return rows;
}

std::vector<uint8_t> VectorRows::encoded(std::vector<float> values) {
  values.resize(static_cast<size_t>(padded(static_cast<int64_t>(values.size()))));
  const auto n = static_cast<int64_t>(values.size());
  std::vector<uint8_t> row(row_bytes(DType::Q8_0, n));
  format_of(DType::Q8_0).encode(values.data(), nullptr, row.data(), n);
  return row;
}

bool VectorRows::decoded(std::span<const uint8_t> row, int64_t width, std::vector<float>& values) {
  if (width < 1 || width > kWidest || row.size() != row_bytes(DType::Q8_0, padded(width))) return false;
  values.resize(static_cast<size_t>(padded(width)));
  format_of(DType::Q8_0).decode(row.data(), values.data(), padded(width));
  values.resize(static_cast<size_t>(width));
  return true;
}

int64_t VectorRows::columns() const {
  return padded(width_);
}

void VectorRows::decode(size_t i, float* values) const {
  format_of(DType::Q8_0).decode(row(i).data(), values, columns());
}

std::vector<float> VectorRows::cosines(Backend& backend, std::span<const float> question) const {
  return products(backend, question, columns(), bytes_.data(), size());
}

std::vector<float> VectorRows::cosines(Backend& backend, std::span<const float> question,
                                       std::span<const uint32_t> rows) const {
  if (rows.empty()) return {};
  const Buffer some(row_size_bytes_ * rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    std::memcpy(some.data() + i * row_size_bytes_, row(rows[i]).data(), row_size_bytes_);
  }
  return products(backend, question, columns(), some.data(), rows.size());
}

}  // namespace ondol
