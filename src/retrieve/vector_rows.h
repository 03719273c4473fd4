// VectorRows: the vectors of a store in memory, by the numbers of their pieces.
//
// A row is Q8_0 (int8, 32 to a scale), padded to a multiple of 32 numbers. Rows ascend by piece and, within a piece, by
// part. Products with a question are made by the kernels that multiply weights, so they are exact but for rounding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "retrieve/database.h"

namespace ondol {

class VectorRows {
 public:
  static constexpr int64_t kWidest = 1 << 16;

  VectorRows() = default;
  /// All of a store. Error: rows that are none.
  static Result<VectorRows> read(Database& database);
  /// The row that is kept of a vector.
  static std::vector<uint8_t> encoded(std::vector<float> values);
  /// And back, without the padding; false for bytes that are no such row.
  static bool decoded(std::span<const uint8_t> row, int64_t width, std::vector<float>& values);

  size_t size() const { return chunks_.size(); }
  /// Of vectors, without padding, and of rows with it.
  int64_t width() const { return width_; }
  int64_t columns() const;
  size_t row_size_bytes() const { return row_size_bytes_; }
  /// The piece of each row.
  std::span<const int64_t> chunks() const { return chunks_; }
  std::span<const uint8_t> row(size_t i) const { return {bytes_.data() + i * row_size_bytes_, row_size_bytes_}; }
  /// The numbers of a row, with the padding.
  void decode(size_t row, float* values) const;

  /// The products of a question of this width with all rows, or with some of them.
  std::vector<float> cosines(Backend& backend, std::span<const float> question) const;
  std::vector<float> cosines(Backend& backend, std::span<const float> question, std::span<const uint32_t> rows) const;

 private:
  int64_t width_ = 0;
  size_t row_size_bytes_ = 0;
  std::vector<int64_t> chunks_;
  Buffer bytes_;
};

}  // namespace ondol
