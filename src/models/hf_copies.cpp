#include "models/hf_copies.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "quant/format.h"
#include "quant/mxfp4.h"

namespace ondol {
namespace {

Error wrong_shape(const Tensor& tensor, std::string_view expected) {
  return Error(fmt::format("expected {}, got {} {}", expected, info_of(tensor.type()).name, to_string(tensor.shape())));
}

bool is_plain(DType type) {
  return info_of(type).block_size == 1;
}

template <typename T>
void widen(const uint8_t* source, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    T value;
    std::memcpy(&value, source + static_cast<size_t>(i) * sizeof(T), sizeof(T));
    out[i] = static_cast<float>(value);
  }
}

/// out [columns, rows] = in [rows, columns], of elements of `size` bytes. Tiles keep both sides in the cache.
void transpose(const uint8_t* in, size_t in_stride, int64_t column_step, uint8_t* out, int64_t rows, int64_t columns,
               size_t size) {
  constexpr int64_t kTile = 32;
  for (int64_t r0 = 0; r0 < rows; r0 += kTile) {
    for (int64_t c0 = 0; c0 < columns; c0 += kTile) {
      for (int64_t c = c0; c < std::min(c0 + kTile, columns); ++c) {
        for (int64_t r = r0; r < std::min(r0 + kTile, rows); ++r) {
          const uint8_t* from = in + static_cast<size_t>(r) * in_stride + static_cast<size_t>(c * column_step) * size;
          std::memcpy(out + static_cast<size_t>(c * rows + r) * size, from, size);
        }
      }
    }
  }
}

}  // namespace

Result<OwnedTensor> to_f32(const Tensor& tensor) {
  OwnedTensor copy(DType::F32, tensor.shape());
  for (int64_t row = 0; row < tensor.rows(); ++row) {
    const uint8_t* source = tensor.row_bytes(row);
    float* out = reinterpret_cast<float*>(copy.tensor.row_bytes(row));
    const int64_t n = tensor.columns();
    switch (tensor.type()) {
      case DType::F64:
        widen<double>(source, out, n);
        break;
      case DType::I64:
        widen<int64_t>(source, out, n);
        break;
      case DType::I32:
        widen<int32_t>(source, out, n);
        break;
      default:
        if (!has_format(tensor.type())) return wrong_shape(tensor, "floating numbers");
        format_of(tensor.type()).decode(source, out, n);
    }
  }
  return copy;
}

Result<OwnedTensor> transposed(const Tensor& tensor) {
  if (tensor.shape().rank() != 2 || !is_plain(tensor.type())) return wrong_shape(tensor, "a matrix of plain numbers");
  OwnedTensor copy(tensor.type(), {tensor.columns(), tensor.rows()});
  transpose(tensor.bytes(), tensor.row_stride_bytes(), 1, copy.tensor.bytes(), tensor.rows(), tensor.columns(),
            row_bytes(tensor.type(), 1));
  return copy;
}

Result<OwnedTensor> transposed_columns(const Tensor& tensor, int64_t first, int64_t step) {
  if (tensor.shape().rank() != 3 || !is_plain(tensor.type()) || tensor.columns() % step != 0) {
    return wrong_shape(tensor, "a stack of matrices of plain numbers");
  }
  const int64_t n_out = tensor.columns() / step;
  OwnedTensor copy(tensor.type(), {tensor.shape()[0], n_out, tensor.shape()[1]});
  const size_t size = row_bytes(tensor.type(), 1);
  for (int64_t e = 0; e < tensor.shape()[0]; ++e) {
    const Tensor matrix = tensor[e];
    Tensor out = copy.tensor[e];
    transpose(matrix.bytes() + static_cast<size_t>(first) * size, matrix.row_stride_bytes(), step, out.bytes(),
              matrix.rows(), n_out, size);
  }
  return copy;
}

Result<OwnedTensor> every_second_column(const Tensor& tensor, int64_t first) {
  if (tensor.shape().rank() != 2 || tensor.columns() % 2 != 0) return wrong_shape(tensor, "rows of even length");
  const OwnedTensor wide = ONDOL_TRY(to_f32(tensor));
  OwnedTensor copy(DType::F32, {tensor.rows(), tensor.columns() / 2});
  for (int64_t row = 0; row < copy.tensor.rows(); ++row) {
    for (int64_t i = 0; i < copy.tensor.columns(); ++i) {
      copy.tensor.f32(row)[i] = wide.tensor.f32(row)[2 * i + first];
    }
  }
  return copy;
}

Result<OwnedTensor> mxfp4_rows(const Tensor& blocks, const Tensor& scales, int64_t first, int64_t step) {
  const Shape& s = scales.shape();
  const bool fits = blocks.type() == DType::U8 && scales.type() == DType::U8 && s.rank() == 3 &&
                    blocks.shape().rank() >= 3 && blocks.shape()[0] == s[0] && blocks.shape()[1] == s[1] &&
                    blocks.shape().elements() / 16 == s.elements() && blocks.shape().elements() % 16 == 0;
  if (!fits || s[1] % step != 0) {
    return wrong_shape(blocks, fmt::format("blocks of 16 bytes for scales {}", to_string(s)));
  }
  const int64_t n_experts = s[0], n_rows = s[1], n_blocks = s[2];
  OwnedTensor copy(DType::MXFP4, {n_experts, n_rows / step, n_blocks * 32});
  auto* out = reinterpret_cast<BlockMXFP4*>(copy.tensor.bytes());
  for (int64_t e = 0; e < n_experts; ++e) {
    for (int64_t row = first; row < n_rows; row += step) {
      for (int64_t b = 0; b < n_blocks; ++b, ++out) {
        const auto index = static_cast<size_t>((e * n_rows + row) * n_blocks + b);
        const uint8_t* pairs = blocks.bytes() + index * 16;
        out->e = scales.bytes()[index];
        // Byte j of the source holds elements 2j and 2j + 1; of the result, elements j and j + 16.
        for (size_t j = 0; j < 16; ++j) {
          const uint8_t low = (pairs[j / 2] >> (4 * (j % 2))) & 0x0f;
          const uint8_t high = (pairs[8 + j / 2] >> (4 * (j % 2))) & 0x0f;
          out->qs[j] = static_cast<uint8_t>(low | (high << 4));
        }
      }
    }
  }
  return copy;
}

}  // namespace ondol
