// Tensor: a typed, shaped view of memory, and Buffer: who owns that memory. No arithmetic lives here.
//
// Shapes are written outermost first, as in a paper: a weight that maps D inputs to H outputs is [H, D], and its rows
// are contiguous. (GGUF files store the dimensions the other way round; formats/ reverses them.)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>

#include "base/check.h"
#include "tensor/dtype.h"

namespace ondol {

/// Up to four dimensions, outermost first.
class Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span<const int64_t>(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const int64_t> dims) : rank_(static_cast<int>(dims.size())) {
    ONDOL_CHECK(dims.size() <= kMaxRank);
    for (size_t i = 0; i < dims.size(); ++i) dims_[i] = dims[i];
  }

  int rank() const { return rank_; }
  int64_t operator[](int i) const { return dims_[static_cast<size_t>(i)]; }
  /// The innermost dimension: elements in a row. 1 for a scalar.
  int64_t columns() const { return rank_ == 0 ? 1 : dims_[static_cast<size_t>(rank_ - 1)]; }
  /// The product of all other dimensions.
  int64_t rows() const {
    int64_t n = 1;
    for (int i = 0; i + 1 < rank_; ++i) n *= dims_[static_cast<size_t>(i)];
    return n;
  }
  int64_t elements() const { return rows() * columns(); }

  bool operator==(const Shape&) const = default;

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

/// "[2048, 512]", for messages.
std::string to_string(const Shape& shape);

/// A view: who made it keeps the memory alive. Copying copies the view, not the numbers.
class Tensor {
 public:
  Tensor() = default;
  /// Contiguous rows. `data` must hold row_bytes(type, shape.columns()) * shape.rows() bytes.
  Tensor(DType type, Shape shape, void* data)
      : data_(static_cast<uint8_t*>(data)),
        shape_(shape),
        row_stride_bytes_(ondol::row_bytes(type, shape.columns())),
        type_(type) {}

  DType type() const { return type_; }
  const Shape& shape() const { return shape_; }
  int64_t rows() const { return shape_.rows(); }
  int64_t columns() const { return shape_.columns(); }
  size_t row_stride_bytes() const { return row_stride_bytes_; }
  size_t size_bytes() const { return row_stride_bytes_ * static_cast<size_t>(rows()); }
  bool empty() const { return data_ == nullptr; }

  uint8_t* bytes() { return data_; }
  const uint8_t* bytes() const { return data_; }
  uint8_t* row_bytes(int64_t row) { return data_ + static_cast<size_t>(row) * row_stride_bytes_; }
  const uint8_t* row_bytes(int64_t row) const { return data_ + static_cast<size_t>(row) * row_stride_bytes_; }

  /// Row `row` of an F32 tensor.
  float* f32(int64_t row = 0) { return typed<float>(row, DType::F32); }
  const float* f32(int64_t row = 0) const { return const_cast<Tensor*>(this)->f32(row); }

  /// Rows [begin, begin + n) as a matrix of `n` rows.
  Tensor slice_rows(int64_t begin, int64_t n) const {
    ONDOL_CHECK(begin >= 0 && n >= 0 && begin + n <= rows());
    Tensor view = *this;
    view.data_ += static_cast<size_t>(begin) * row_stride_bytes_;
    view.shape_ = Shape{n, columns()};
    return view;
  }

  /// Columns [begin, begin + n) of all rows, which must begin and end at blocks: a matrix whose rows lie apart.
  Tensor slice_columns(int64_t begin, int64_t n) const {
    ONDOL_CHECK(begin >= 0 && n >= 0 && begin + n <= columns() && begin % info_of(type_).block_size == 0);
    Tensor view = *this;
    view.data_ += ondol::row_bytes(type_, begin);
    view.shape_ = Shape{rows(), n};
    return view;
  }

  /// The same numbers under another shape with as many elements and, for block types, the same columns. Needs rows that
  /// follow one another without gaps.
  Tensor reshaped(Shape shape) const {
    ONDOL_CHECK(shape.elements() == shape_.elements());
    ONDOL_CHECK(info_of(type_).block_size == 1 || shape.columns() == columns());
    ONDOL_CHECK(rows() <= 1 || row_stride_bytes_ == ondol::row_bytes(type_, columns()));
    return Tensor(type_, shape, data_);
  }

  /// Entry `i` of the outermost dimension: one expert of [E, H, D] is [H, D].
  Tensor operator[](int64_t i) const;

 private:
  template <typename T>
  T* typed(int64_t row, DType type) {
    ONDOL_CHECK(type_ == type);
    return reinterpret_cast<T*>(row_bytes(row));
  }

  uint8_t* data_ = nullptr;
  Shape shape_;
  size_t row_stride_bytes_ = 0;
  DType type_ = DType::F32;
};

/// Owned, zeroed, 64-byte aligned memory, in huge pages where the system gives them.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t size_bytes);

  uint8_t* data() const { return data_.get(); }
  size_t size_bytes() const { return size_bytes_; }

 private:
  std::shared_ptr<uint8_t> data_;
  size_t size_bytes_ = 0;
};

/// A Tensor together with the memory that it looks at.
struct OwnedTensor {
  OwnedTensor() = default;
  OwnedTensor(DType type, Shape shape)
      : buffer(ondol::row_bytes(type, shape.columns()) * static_cast<size_t>(shape.rows())),
        tensor(type, shape, buffer.data()) {}

  Buffer buffer;
  Tensor tensor;
};

}  // namespace ondol
