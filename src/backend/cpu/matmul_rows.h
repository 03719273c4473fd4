// What the ways of multiplying share: the rows that a kernel reads, and where its products go.
#pragma once

#include <algorithm>
#include <cstring>

#include "backend/cpu/matmul.h"

namespace ondol::cpu {

/// Neighbouring rows of weights as a kernel for `lanes` of them reads them. It wants the lanes [skip, skip + n).
struct RowGroup {
  const uint8_t* rows;
  size_t row_bytes;
  int lanes;
  int skip;
  int n;
};

/// The rows [row, min(row + lanes, end)) of a job's weights. At the end of the matrix the group begins before them;
/// where there are too few rows it is a copy in `memory` (lanes * row_bytes).
inline RowGroup group_of_rows(const Tensor& matrix, int64_t row, int64_t end, int lanes, void* memory) {
  const size_t row_bytes = matrix.row_stride_bytes();
  const auto n = static_cast<int>(std::min<int64_t>(lanes, end - row));
  if (row + lanes <= matrix.rows()) return {matrix.row_bytes(row), row_bytes, lanes, 0, n};
  if (matrix.rows() >= lanes) {
    return {matrix.row_bytes(matrix.rows() - lanes), row_bytes, lanes, static_cast<int>(row + lanes - matrix.rows()),
            n};
  }
  const size_t size_bytes = static_cast<size_t>(matrix.rows()) * row_bytes;
  std::memcpy(memory, matrix.bytes(), size_bytes);
  std::memset(static_cast<uint8_t*>(memory) + size_bytes, 0, static_cast<size_t>(lanes) * row_bytes - size_bytes);
  return {static_cast<const uint8_t*>(memory), row_bytes, lanes, static_cast<int>(row), n};
}

/// out[r] = the product, plus `bias` where there is one and what was there with `accumulate`.
inline void store_products(float* __restrict out, const float* __restrict products, const float* __restrict bias,
                           bool accumulate, int n) {
  if (bias == nullptr && !accumulate) {
    std::memcpy(out, products, static_cast<size_t>(n) * sizeof(float));
  } else if (bias == nullptr) {
    for (int r = 0; r < n; ++r) out[r] += products[r];
  } else {
    for (int r = 0; r < n; ++r) out[r] = accumulate ? out[r] + (products[r] + bias[r]) : products[r] + bias[r];
  }
}

/// Stores products [n_columns][stride_of_tile] of the rows of x from `first_x` on and a group of weights that begins at
/// `row`, plus `bias` (of all weights, or nullptr).
inline void store_tile(Tensor target, const float* bias, bool accumulate, const float* tile, int64_t stride_of_tile,
                       const RowGroup& group, int64_t row, int64_t first_x, int n_columns) {
  if (bias != nullptr) bias += row;
  const size_t stride = target.row_stride_bytes() / sizeof(float);
  float* out = target.f32(first_x) + row;
  tile += group.skip;
  for (int c = 0; c < n_columns; ++c, tile += stride_of_tile, out += stride) {
    // A number that the compiler knows, for what is most frequent.
    if (group.n == kMaxLanes) {
      store_products(out, tile, bias, accumulate, kMaxLanes);
    } else {
      store_products(out, tile, bias, accumulate, group.n);
    }
  }
}

/// Fetches into the cache what store_tile will change: rows of the target lie too far apart for the processor to foresee
/// them.
inline void fetch_target(const MatmulJob& job, int64_t row, int64_t end, int64_t first_x, int n_columns) {
  const size_t stride = job.out.row_stride_bytes();
  const auto* out = reinterpret_cast<const char*>(job.out.f32(first_x) + row);
  for (int c = 0; c < n_columns; ++c, out += stride) {
    for (int64_t r = 0; r < end - row; r += 64 / static_cast<int64_t>(sizeof(float))) {
      __builtin_prefetch(out + r * static_cast<int64_t>(sizeof(float)), 1);
    }
  }
}

inline void store_tile(const MatmulJob& job, const float* tile, int64_t stride_of_tile, const RowGroup& group,
                       int64_t row, int64_t first_x, int n_columns) {
  const float* bias = job.bias.empty() ? nullptr : job.bias.f32();
  store_tile(job.out, bias, job.accumulate, tile, stride_of_tile, group, row, first_x, n_columns);
}

}  // namespace ondol::cpu
