#include "nn/adapter.h"

#include <cstring>

namespace ondol {

size_t Adapter::size_bytes() const {
  size_t total = 0;
  for (const Buffer& buffer : memory_) total += buffer.size_bytes();
  return total;
}

void Adapter::add(std::string_view weight, const Tensor& matrix, const Tensor& a, const Tensor& b, float scale) {
  ONDOL_CHECK(a.columns() == matrix.columns() && b.rows() == matrix.rows() && b.columns() == a.rows());
  const auto copy = [&](const Tensor& from) {
    Buffer& buffer = memory_.emplace_back(from.size_bytes());
    std::memcpy(buffer.data(), from.f32(), from.size_bytes());
    return Tensor(DType::F32, from.shape(), buffer.data());
  };
  LowRank parts{copy(a), copy(b)};
  for (int64_t row = 0; row < parts.b.rows(); ++row) {
    for (int64_t i = 0; i < parts.b.columns(); ++i) parts.b.f32(row)[i] *= scale;
  }
  content_ = hash_bytes({reinterpret_cast<const uint8_t*>(weight.data()), weight.size()}, content_);
  for (const Tensor& part : {parts.a, parts.b}) content_ = hash_bytes({part.bytes(), part.size_bytes()}, content_);
  entries_[matrix.bytes()] = {matrix, parts};
}

std::optional<LowRank> Adapter::find(const Tensor& matrix) const {
  auto next = entries_.upper_bound(matrix.bytes());
  if (next == entries_.begin()) return std::nullopt;
  const Entry& entry = std::prev(next)->second;
  const auto skipped = static_cast<size_t>(matrix.bytes() - entry.matrix.bytes());
  if (skipped >= entry.matrix.size_bytes()) return std::nullopt;
  ONDOL_CHECK(matrix.columns() == entry.matrix.columns());
  const auto first = static_cast<int64_t>(skipped / entry.matrix.row_stride_bytes());
  return LowRank{entry.parts.a, entry.parts.b.slice_rows(first, matrix.rows())};
}

}  // namespace ondol
