#include "backend/cpu/matmul_inputs.h"

#include <bit>
#include <cstring>
#include <functional>

namespace ondol::cpu {
namespace {

constexpr size_t kAlignment = 64;

size_t aligned(size_t size_bytes) {
  return (size_bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// Columns with those that fill up the last stretch of a strip.
int64_t padded_columns(int64_t k) {
  return (k + kStretch - 1) / kStretch * kStretch;
}

/// Rows of all blocks, with those that fill up the last one.
int64_t padded_rows(int64_t n_rows) {
  const int64_t rest = n_rows % kWide;
  return rest > kNarrow ? n_rows - rest + kWide : n_rows;
}

}  // namespace

int64_t n_blocks_of(int64_t n_rows) {
  return (n_rows + kWide - 1) / kWide;
}

BlockOfRows block_of(int64_t n_rows, int64_t block) {
  const int64_t begin = block * kWide;
  const auto n = static_cast<int>(std::min<int64_t>(n_rows - begin, kWide));
  return {begin, n, n > kNarrow ? kWide : n};
}

int RoundedInputs::array_of(const LanesType& type) {
  if (type.minimums) return type.per == 16 ? kSums16 : kSums32;
  if (type.zero_point == 0) return kNoArray;
  return kFirstStart + std::countr_zero(static_cast<unsigned>(type.zero_point)) - 2;
}

/// Q3_K (zero point 4) and Q6_K (32) have scales for 16 elements.
int RoundedInputs::per_of(int array) {
  if (array < kFirstStart) return array == kSums16 ? 16 : 32;
  const int zero_point = 4 << (array - kFirstStart);
  return zero_point == 4 || zero_point == 32 ? 16 : 32;
}

size_t RoundedInputs::add(const Tensor& x, const LanesType& type) {
  const int array = array_of(type);
  ONDOL_CHECK(x.columns() % kXGroup == 0);
  ONDOL_CHECK(array == kNoArray || (array < kArrays && per_of(array) == type.per));
  const auto same = [&](const Tensor& y) {
    return y.bytes() == x.bytes() && y.shape() == x.shape() && y.row_stride_bytes() == x.row_stride_bytes();
  };
  if (inputs_.empty() || !same(inputs_.back().x))
    inputs_.push_back({.x = x, .arrays = 0, .q = 0, .scale = 0, .array = {}});
  if (array != kNoArray) inputs_.back().arrays |= 1u << array;
  return inputs_.size() - 1;
}

/// Gives `input` its places from `at` on; returns where they end.
size_t RoundedInputs::place(Input& input, size_t at) const {
  const auto elements = static_cast<size_t>(padded_rows(input.x.rows()) * padded_columns(input.x.columns()));
  input.q = at;
  at += aligned(elements);
  input.scale = at;
  at += aligned(elements / kXGroup * sizeof(float));
  for (int array = 0; array < kArrays; ++array) {
    if ((input.arrays >> array & 1u) == 0) continue;
    input.array[array] = at;
    at += aligned(elements / static_cast<size_t>(per_of(array)) * sizeof(float));
  }
  return at;
}

void RoundedInputs::build(const MatmulKernels& kernels, ThreadPool& pool) {
  size_t size_bytes = 0;
  int64_t n_rows = 0;
  int64_t widest = 0;
  for (Input& input : inputs_) {
    size_bytes = place(input, size_bytes);
    n_rows += padded_rows(input.x.rows());
    widest = std::max(widest, input.x.columns());
  }
  if (n_rows == 0) return;
  memory_base_ = reinterpret_cast<uint8_t*>(memory_.floats(size_bytes / sizeof(float)));
  few_ = kernels.few;
  // A row's sums of 16, and for strips its scales and bytes.
  const int64_t padded = padded_columns(widest);
  const size_t row_floats =
      aligned(static_cast<size_t>(padded / 16 * 4 + padded / kXGroup * 4 + padded)) / sizeof(float);
  auto* memory = reinterpret_cast<uint8_t*>(rows_.floats(row_floats * static_cast<size_t>(pool.size())));
  auto body = [&](int64_t begin, int64_t end, int thread) {
    int64_t first = 0;
    for (const Input& input : inputs_) {
      const int64_t last = first + padded_rows(input.x.rows());
      for (int64_t row = std::max(begin, first); row < std::min(end, last); ++row) {
        round_row(kernels, input, row - first, memory + row_floats * sizeof(float) * static_cast<size_t>(thread));
      }
      first = last;
    }
  };
  // Some microseconds to a chunk: less does not pay for waking a thread.
  constexpr int64_t kChunkElements = 16384;
  pool.run(n_rows, std::max<int64_t>(1, kChunkElements / widest), std::ref(body));
}

void RoundedInputs::round_row(const MatmulKernels& kernels, const Input& input, int64_t row, uint8_t* memory) {
  const int64_t k = input.x.columns();
  const BlockOfRows block = block_of(input.x.rows(), row / kWide);
  const auto column = static_cast<int>(row % kWide);
  if (block.width <= few_) return round_for_strips(kernels, input, row, {4, block.width, column}, memory);
  const Place place{1, block.width, column};
  const int64_t first = block.begin * k;
  auto* sums = reinterpret_cast<int32_t*>(memory);
  int8_t* q = at<int8_t>(input.q) + first + kernels.x_run * column;
  float* scale = at<float>(input.scale) + first / kXGroup + column;
  if (column < block.n_rows) {
    kernels.round(input.x.f32(row), k, block.width, q, scale, sums);
  } else {
    const int64_t run = kernels.x_run;
    for (int64_t i = 0; i < k / run; ++i) std::memset(q + i * block.width * run, 0, static_cast<size_t>(run));
    for (int64_t g = 0; g < k / kXGroup; ++g) scale[g * block.width] = 0.0f;
    std::memset(sums, 0, static_cast<size_t>(k / 16) * sizeof(int32_t));
  }
  fill_arrays(input, first, place, sums);
}

void RoundedInputs::round_for_strips(const MatmulKernels& kernels, const Input& input, int64_t row, const Place& place,
                                     uint8_t* memory) {
  const int64_t k = input.x.columns();
  const int64_t padded = padded_columns(k);
  const int64_t first = (row - place.column) * k;
  auto* sums = reinterpret_cast<int32_t*>(memory);
  auto* scales = reinterpret_cast<float*>(sums + padded / 16);
  auto* bytes = reinterpret_cast<int8_t*>(scales + padded / kXGroup);
  std::memset(sums + k / 16, 0, static_cast<size_t>((padded - k) / 16) * sizeof(int32_t));
  std::memset(scales + k / kXGroup, 0, static_cast<size_t>((padded - k) / kXGroup) * sizeof(float));
  std::memset(bytes + k, 0, static_cast<size_t>(padded - k));
  kernels.round(input.x.f32(row), k, 1, bytes, scales, sums);
  int8_t* q = at<int8_t>(input.q) + first;
  for (int64_t i = 0; i < padded / 16; ++i) std::memcpy(q + (i * place.width + place.column) * 16, bytes + 16 * i, 16);
  float* scale = at<float>(input.scale) + first / kXGroup;
  for (int64_t g = 0; g < padded / kXGroup; ++g) scale[place.index(g)] = scales[g];
  fill_arrays(input, first, place, sums);
}

/// The arrays of the block that begins at element `first` for the row at `place`, whose sums of 16 elements are known.
void RoundedInputs::fill_arrays(const Input& input, int64_t first, const Place& place, const int32_t* sums) {
  const int64_t k = place.together == 1 ? input.x.columns() : padded_columns(input.x.columns());
  const float* scale = at<float>(input.scale) + first / kXGroup;
  for (int array = 0; array < kArrays; ++array) {
    if ((input.arrays >> array & 1u) == 0) continue;
    const int per = per_of(array);
    float* of_sums = at<float>(input.array[array]) + first / per;
    int32_t* of_starts = at<int32_t>(input.array[array]) + first / per;
    for (int64_t i = 0; i < k / per; ++i) {
      const int32_t sum = per == 16 ? sums[i] : sums[2 * i] + sums[2 * i + 1];
      if (array < kFirstStart) {
        of_sums[place.index(i)] = scale[place.index(i * per / kXGroup)] * static_cast<float>(sum);
      } else {
        of_starts[place.index(i)] = -sum * (4 << (array - kFirstStart));
      }
    }
  }
}

XBlock RoundedInputs::block(size_t index, int64_t block, const LanesType& type) const {
  const Input& input = inputs_[index];
  const int64_t first = block * kWide * input.x.columns();
  XBlock result{at<int8_t>(input.q) + first, at<float>(input.scale) + first / kXGroup, nullptr, nullptr};
  const int array = array_of(type);
  if (array == kNoArray) return result;
  const size_t place = input.array[array] + static_cast<size_t>(first / type.per) * sizeof(float);
  if (type.minimums) {
    result.sum = at<float>(place);
  } else {
    result.start = at<int32_t>(place);
  }
  return result;
}

}  // namespace ondol::cpu
