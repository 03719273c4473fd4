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
  const auto elements = static_cast<size_t>(padded_rows(input.x.rows()) * input.x.columns());
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
  const auto n_sums = static_cast<size_t>((widest / (kXGroup / 2) + 15) / 16 * 16);
  auto* sums = reinterpret_cast<int32_t*>(sums_.floats(n_sums * static_cast<size_t>(pool.size())));
  auto body = [&](int64_t begin, int64_t end, int thread) {
    int64_t first = 0;
    for (const Input& input : inputs_) {
      const int64_t last = first + padded_rows(input.x.rows());
      for (int64_t row = std::max(begin, first); row < std::min(end, last); ++row) {
        round_row(kernels, input, row - first, sums + n_sums * static_cast<size_t>(thread));
      }
      first = last;
    }
  };
  // Some microseconds to a chunk: less does not pay for waking a thread.
  constexpr int64_t kChunkElements = 16384;
  pool.run(n_rows, std::max<int64_t>(1, kChunkElements / widest), std::ref(body));
}

void RoundedInputs::round_row(const MatmulKernels& kernels, const Input& input, int64_t row, int32_t* sums) {
  const int64_t k = input.x.columns();
  const BlockOfRows block = block_of(input.x.rows(), row / kWide);
  const auto column = static_cast<int>(row % kWide);
  const int64_t first = block.begin * k;
  int8_t* q = at<int8_t>(input.q) + first + 4 * column;
  float* scale = at<float>(input.scale) + first / kXGroup + column;
  if (column < block.n_rows) {
    kernels.round(input.x.f32(row), k, block.width, q, scale, sums);
  } else {
    for (int64_t i = 0; i < k / 4; ++i) std::memset(q + i * block.width * 4, 0, 4);
    for (int64_t g = 0; g < k / kXGroup; ++g) scale[g * block.width] = 0.0f;
    std::memset(sums, 0, static_cast<size_t>(k / 16) * sizeof(int32_t));
  }
  for (int array = 0; array < kArrays; ++array) {
    if ((input.arrays >> array & 1u) == 0) continue;
    const int per = per_of(array);
    const int64_t place = first / per + column;
    for (int64_t i = 0; i < k / per; ++i) {
      const int32_t sum = per == 16 ? sums[i] : sums[2 * i] + sums[2 * i + 1];
      if (array < kFirstStart) {
        at<float>(input.array[array])[place + i * block.width] =
            scale[i * per / kXGroup * block.width] * static_cast<float>(sum);
      } else {
        at<int32_t>(input.array[array])[place + i * block.width] = -sum * (4 << (array - kFirstStart));
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
