#include "nn/adapter.h"

#include <cmath>
#include <cstring>

#include "quant/format.h"

namespace ondol {

size_t Adapter::size_bytes() const {
  size_t total = 0;
  for (const Buffer& buffer : memory_) total += buffer.size_bytes();
  return total;
}

void row_lengths(const Tensor& matrix, const Tensor& a, const Tensor& b, float scale, std::span<float> lengths,
                 ThreadPool* threads) {
  ONDOL_CHECK(static_cast<int64_t>(lengths.size()) == matrix.rows() && b.rows() == matrix.rows());
  const auto some_rows = [&](int64_t begin, int64_t end, int) {
    std::vector<float> row(static_cast<size_t>(matrix.columns()));
    for (int64_t h = begin; h < end; ++h) {
      format_of(matrix.type()).decode(matrix.row_bytes(h), row.data(), matrix.columns());
      for (int64_t r = 0; r < a.rows(); ++r) {
        const float factor = scale * b.f32(h)[r];
        const float* direction = a.f32(r);
        for (size_t c = 0; c < row.size(); ++c) row[c] += factor * direction[c];
      }
      double squares = 0;
      for (const float value : row) squares += static_cast<double>(value) * static_cast<double>(value);
      lengths[static_cast<size_t>(h)] = static_cast<float>(std::sqrt(squares));
    }
  };
  if (threads == nullptr) return some_rows(0, matrix.rows(), 0);
  threads->run(matrix.rows(), 16, some_rows);
}

void Adapter::add(std::string_view weight, const Tensor& matrix, const Tensor& a, const Tensor& b, float scale,
                  const Tensor& magnitudes) {
  ONDOL_CHECK(a.columns() == matrix.columns() && b.rows() == matrix.rows() && b.columns() == a.rows());
  const auto copy = [&](const Tensor& from) {
    Buffer& buffer = memory_.emplace_back(from.size_bytes());
    std::memcpy(buffer.data(), from.f32(), from.size_bytes());
    return Tensor(DType::F32, from.shape(), buffer.data());
  };
  LowRank parts{copy(a), copy(b), {}};
  for (int64_t row = 0; row < parts.b.rows(); ++row) {
    for (int64_t i = 0; i < parts.b.columns(); ++i) parts.b.f32(row)[i] *= scale;
  }
  if (!magnitudes.empty()) {
    ONDOL_CHECK(magnitudes.shape().elements() == matrix.rows());
    has_stretches_ = true;
    Buffer& buffer = memory_.emplace_back(sizeof(float) * static_cast<size_t>(matrix.rows()));
    parts.stretch = Tensor(DType::F32, {matrix.rows(), 1}, buffer.data());
    float* stretch = parts.stretch.f32();
    row_lengths(matrix, parts.a, parts.b, 1.0f, {stretch, static_cast<size_t>(matrix.rows())});
    for (int64_t h = 0; h < matrix.rows(); ++h) {
      stretch[h] = stretch[h] > 0.0f ? magnitudes.f32()[h] / stretch[h] : 0.0f;
    }
  }
  content_ = hash_bytes({reinterpret_cast<const uint8_t*>(weight.data()), weight.size()}, content_);
  for (const Tensor& part : {parts.a, parts.b, parts.stretch})
    content_ = hash_bytes({part.bytes(), part.size_bytes()}, content_);
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
  const Tensor& stretch = entry.parts.stretch;
  return LowRank{entry.parts.a, entry.parts.b.slice_rows(first, matrix.rows()),
                 stretch.empty() ? Tensor() : stretch.slice_rows(first, matrix.rows())};
}

}  // namespace ondol
