#include "backend/cpu/matmul_inputs.h"

#include <bit>
#include <cstring>
#include <functional>

namespace ondol::cpu {
namespace {

constexpr size_t kAlignment = 64;
/// Blocks of turned x that are rounded together, as their columns are neighbours in the rows that are read.
constexpr int64_t kBlocksAtOnce = 4;

size_t aligned(size_t size_bytes) {
  return (size_bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// Columns with those that fill up the last stretch of a strip.
int64_t padded_columns(int64_t k) {
  return (k + kStretch - 1) / kStretch * kStretch;
}

}  // namespace

int64_t n_blocks_of(int64_t n_rows) {
  return (n_rows + kWide - 1) / kWide;
}

BlockOfRows block_of(int64_t n_rows, int64_t block, bool filled_up) {
  const int64_t begin = block * kWide;
  const auto n = static_cast<int>(std::min<int64_t>(n_rows - begin, kWide));
  return {begin, n, filled_up || n > kNarrow ? kWide : n};
}

int64_t RoundedInputs::Input::k() const {
  return layout.turned ? (x.rows() + kXGroup - 1) / kXGroup * kXGroup : x.columns();
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

size_t RoundedInputs::add(const Tensor& x, const LanesType& type, Layout layout) {
  const int array = array_of(type);
  ONDOL_CHECK(layout.turned ? layout.coarse && x.columns() % kWide == 0 : x.columns() % kXGroup == 0);
  ONDOL_CHECK(array == kNoArray || (array < kArrays && per_of(array) == type.per));
  const auto same = [&](const Input& other) {
    const Tensor& y = other.x;
    return y.bytes() == x.bytes() && y.shape() == x.shape() && y.row_stride_bytes() == x.row_stride_bytes() &&
           other.layout == layout;
  };
  if (inputs_.empty() || !same(inputs_.back()))
    inputs_.push_back({.x = x, .layout = layout, .arrays = 0, .q = 0, .scale = 0, .array = {}});
  if (array != kNoArray) inputs_.back().arrays |= 1u << array;
  return inputs_.size() - 1;
}

/// Gives `input` its places from `at` on; returns where they end.
size_t RoundedInputs::place(Input& input, size_t at) const {
  const int64_t n_blocks = n_blocks_of(input.n_rows());
  const BlockOfRows last = n_blocks > 0 ? input.block(n_blocks - 1) : BlockOfRows{};
  const auto elements = static_cast<size_t>((last.begin + last.width) * padded_columns(input.k()));
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

int64_t RoundedInputs::n_parts(const Input& input) const {
  const int64_t n_blocks = n_blocks_of(input.n_rows());
  if (n_blocks == 0) return 0;
  const BlockOfRows last = input.block(n_blocks - 1);
  return last.width <= few_ ? n_blocks - 1 + last.n_rows : n_blocks;
}

void RoundedInputs::build(const MatmulKernels& kernels, ThreadPool& pool) {
  few_ = kernels.few;
  size_t size_bytes = 0;
  int64_t n = 0;
  int64_t widest = 0;
  bool has_blocks = false;
  bool any_turned = false;
  for (Input& input : inputs_) {
    size_bytes = place(input, size_bytes);
    n += n_parts(input);
    widest = std::max(widest, input.k());
    has_blocks |= input.n_rows() > few_ || input.layout.coarse;
    any_turned |= input.layout.turned;
  }
  if (n == 0) return;
  memory_base_ = reinterpret_cast<uint8_t*>(memory_.floats(size_bytes / sizeof(float)));
  // The sums of 16 of a block, or a row's with its scales and bytes.
  const int64_t padded = padded_columns(widest);
  const int64_t of_row = padded / 16 * 4 + padded / kXGroup * 4 + padded;
  const int64_t of_block = has_blocks ? padded / 16 * 4 * kWide * (any_turned ? kBlocksAtOnce : 1) : 0;
  const size_t part_bytes = aligned(static_cast<size_t>(std::max(of_row, of_block)));
  auto* memory = reinterpret_cast<uint8_t*>(
      rounding_.floats(part_bytes / sizeof(float) * static_cast<size_t>(pool.size())));
  auto body = [&](int64_t begin, int64_t end, int thread) {
    int64_t first = 0;
    for (const Input& input : inputs_) {
      const int64_t last = first + n_parts(input);
      uint8_t* of_thread = memory + part_bytes * static_cast<size_t>(thread);
      const int64_t from = std::max(begin, first);
      const int64_t to = std::min(end, last);
      for (int64_t part = from; part < to;) {
        const int64_t next = input.layout.turned ? std::min(to, part + kBlocksAtOnce) : part + 1;
        if (input.layout.turned) {
          round_turned(kernels, input, part - first, next - first, of_thread);
        } else {
          round_part(kernels, input, part - first, of_thread);
        }
        part = next;
      }
      first = last;
    }
  };
  // Some microseconds to a chunk: less does not pay for waking a thread.
  constexpr int64_t kChunkElements = 16384;
  const int64_t chunk = has_blocks ? 1 : std::max<int64_t>(1, kChunkElements / widest);
  pool.run(n, any_turned ? kBlocksAtOnce : chunk, std::ref(body));
}

void RoundedInputs::round_part(const MatmulKernels& kernels, const Input& input, int64_t part, uint8_t* memory) {
  const int64_t last = n_blocks_of(input.n_rows()) - 1;
  const BlockOfRows block = input.block(std::min(part, last));
  if (block.width > few_) return round_block(kernels, input, block, memory);
  round_for_strips(kernels, input, block, static_cast<int>(part - last), memory);
}

void RoundedInputs::round_block(const MatmulKernels& kernels, const Input& input, const BlockOfRows& block,
                                uint8_t* memory) {
  const int64_t k = input.x.columns();
  const int64_t first = block.begin * k;
  auto* sums = reinterpret_cast<int32_t*>(memory);
  auto* q = at<int8_t>(input.q) + first;
  float* scale = at<float>(input.scale) + first / kXGroup;
  if (block.n_rows < block.width) {
    const int64_t elements = k * block.width;
    std::memset(q, 0, static_cast<size_t>(elements));
    std::memset(scale, 0, static_cast<size_t>(elements / kXGroup) * sizeof(float));
    std::memset(sums, 0, static_cast<size_t>(elements / 16) * sizeof(int32_t));
  }
  const RoundKernel round = input.layout.coarse ? kernels.coarse->round : kernels.round;
  round(input.x.f32(block.begin), input.x.row_stride_bytes() / sizeof(float), block.n_rows, k, block.width, q, scale,
        sums);
  fill_arrays(input, first, k / 16, block.width, sums,
              [width = block.width](int64_t i, int column) { return i * width + column; });
  if (input.layout.coarse) join_starts(input, first);
}

void RoundedInputs::round_turned(const MatmulKernels& kernels, const Input& input, int64_t begin, int64_t end,
                                 uint8_t* memory) {
  const int64_t k = input.k();
  const size_t stride = input.x.row_stride_bytes() / sizeof(float);
  auto* sums = reinterpret_cast<int32_t*>(memory);
  for (int64_t row = 0; row < k; row += kCoarseGroup) {
    const auto n_rows = static_cast<int>(std::min<int64_t>(kCoarseGroup, input.x.rows() - row));
    for (int64_t next = row + kCoarseGroup; next < std::min(input.x.rows(), row + 2 * kCoarseGroup); ++next) {
      for (int64_t i = begin; i < end; ++i) __builtin_prefetch(input.x.f32(next) + i * kWide);
    }
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = (i * k + row) * kWide;
      kernels.coarse->round_turned_x(input.x.f32(row) + i * kWide, stride, n_rows, at<int8_t>(input.q) + first,
                              at<float>(input.scale) + first / kXGroup, sums + ((i - begin) * k + row) * kWide / 16);
    }
  }
  for (int64_t i = begin; i < end; ++i) {
    fill_arrays(input, i * k * kWide, k / 16, kWide, sums + (i - begin) * k * kWide / 16,
                [](int64_t sum, int column) { return sum * kWide + column; });
    join_starts(input, i * k * kWide);
  }
}

void RoundedInputs::join_starts(const Input& input, int64_t first) {
  constexpr int kGroups = kCoarseGroup / kXGroup;
  for (int array = kFirstStart; array < kArrays; ++array) {
    if ((input.arrays >> array & 1u) == 0) continue;
    int32_t* starts = at<int32_t>(input.array[array]) + first / kXGroup;
    for (int64_t group = 0; group < input.k() / kXGroup; ++group) {
      if (group % kGroups == 0) continue;
      int32_t* to = starts + group / kGroups * kGroups * kWide;
      for (int c = 0; c < kWide; ++c) to[c] += starts[group * kWide + c];
    }
  }
}

void RoundedInputs::round_for_strips(const MatmulKernels& kernels, const Input& input, const BlockOfRows& block,
                                     int column, uint8_t* memory) {
  const int64_t k = input.x.columns();
  const int64_t padded = padded_columns(k);
  const int64_t first = block.begin * k;
  auto* sums = reinterpret_cast<int32_t*>(memory);
  auto* scales = reinterpret_cast<float*>(sums + padded / 16);
  auto* bytes = reinterpret_cast<int8_t*>(scales + padded / kXGroup);
  std::memset(sums + k / 16, 0, static_cast<size_t>((padded - k) / 16) * sizeof(int32_t));
  std::memset(scales + k / kXGroup, 0, static_cast<size_t>((padded - k) / kXGroup) * sizeof(float));
  std::memset(bytes + k, 0, static_cast<size_t>(padded - k));
  kernels.round(input.x.f32(block.begin + column), 0, 1, k, 1, bytes, scales, sums);
  const int width = block.width;
  int8_t* q = at<int8_t>(input.q) + first;
  for (int64_t i = 0; i < padded / 16; ++i) std::memcpy(q + (i * width + column) * 16, bytes + 16 * i, 16);
  // Four numbers of a row lie side by side.
  const auto index = [width, column](int64_t i, int /*the only one of sums*/) {
    return (i / 4 * width + column) * 4 + i % 4;
  };
  float* scale = at<float>(input.scale) + first / kXGroup;
  for (int64_t g = 0; g < padded / kXGroup; ++g) scale[index(g, 0)] = scales[g];
  fill_arrays(input, first, padded / 16, 1, sums, index);
}

template <typename Index>
void RoundedInputs::fill_arrays(const Input& input, int64_t first, int64_t n_sums, int columns, const int32_t* sums,
                                Index index) {
  const float* scale = at<float>(input.scale) + first / kXGroup;
  for (int array = 0; array < kArrays; ++array) {
    if ((input.arrays >> array & 1u) == 0) continue;
    const int per = per_of(array);
    float* of_sums = at<float>(input.array[array]) + first / per;
    int32_t* of_starts = at<int32_t>(input.array[array]) + first / per;
    for (int64_t i = 0; i < n_sums * 16 / per; ++i) {
      const int32_t* of_i = sums + i * (per / 16) * columns;
      for (int c = 0; c < columns; ++c) {
        const int32_t sum = per == 16 ? of_i[c] : of_i[c] + of_i[columns + c];
        if (array < kFirstStart) {
          of_sums[index(i, c)] = scale[index(i * per / kXGroup, c)] * static_cast<float>(sum);
        } else {
          of_starts[index(i, c)] = -sum * (4 << (array - kFirstStart));
        }
      }
    }
  }
}

XBlock RoundedInputs::block(size_t index, int64_t block, const LanesType& type) const {
  const Input& input = inputs_[index];
  const int64_t first = block * kWide * input.k();
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
