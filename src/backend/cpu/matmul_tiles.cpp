#include "backend/cpu/matmul_tiles.h"

#include <algorithm>
#include <functional>

#include "backend/cpu/matmul.h"
#include "backend/cpu/matmul_rows.h"
#include "quant/format.h"

namespace ondol::cpu {
namespace {

// Products are summed up over slices of columns, in which two groups of weights fit into the first-level cache. For
// each slice, the groups of a turn meet the rows of x of a turn, whose slices and products stay in the second level.
constexpr int64_t kSlice = 512;
constexpr int64_t kSplitSlice = 256;
constexpr int64_t kTurnRows = 256;
constexpr int64_t kTurnOfX = 512;
constexpr int64_t kPair = 2 * kTileRows;
// Packs of columns of x that are read together.
constexpr int64_t kPacksAtOnce = 4;

bool splits_x(const TileKernels& kernels, const MatmulJob& job) {
  return kernels.splits && !job.rounded && (job.weight.type() == DType::F16 || job.weight.type() == DType::BF16);
}

bool splits_weights(const TileKernels& kernels, const MatmulJob& job) {
  return kernels.splits && job.weight.type() == DType::F16;
}

bool is_decoded(DType type, const LanesType* lanes) {
  return lanes == nullptr && type != DType::F16 && type != DType::BF16 && type != DType::F32;
}

/// Only F32 weights need not be whole tiles.
int64_t n_tiles_of(int64_t k) {
  return (k + kTileColumns - 1) / kTileColumns;
}

size_t pack_bytes_of(int64_t k, bool split) {
  return static_cast<size_t>(n_tiles_of(k)) * kTileBytes * (split ? 2 : 1);
}

}  // namespace

bool may_be_tiled(const TileKernels& kernels, DType weight, int64_t k, int64_t n_x, const LanesType* lanes,
                  bool rounded) {
  if (n_x < kFewestTiledRows) return false;
  // Products of F32 weights are exact to the last digits, which BF16 is not.
  if (weight == DType::F32) return rounded && k % 4 == 0;
  if (k % kTileColumns != 0) return false;
  return lanes == nullptr || (kernels.beats_bytes && lanes->pack_tiles != nullptr);
}

size_t TiledInputs::Input::pack_bytes() const {
  return pack_bytes_of(k(), split);
}

size_t TiledInputs::add(const TileKernels& kernels, const MatmulJob& job) {
  const Tensor& x = job.x;
  const auto same = [&](const Input& other) {
    const Tensor& y = other.x;
    return y.bytes() == x.bytes() && y.shape() == x.shape() && y.row_stride_bytes() == x.row_stride_bytes() &&
           other.turned == job.x_turned;
  };
  if (inputs_.empty() || !same(inputs_.back())) {
    inputs_.push_back({.x = x, .turned = job.x_turned, .split = false, .place = 0});
  }
  if (splits_x(kernels, job)) inputs_.back().split = true;
  return inputs_.size() - 1;
}

void TiledInputs::build(const TileKernels& kernels, ThreadPool& pool) {
  size_t size_bytes = 0;
  int64_t n_packs = 0;
  bool any_turned = false;
  for (Input& input : inputs_) {
    any_turned |= input.turned;
    input.place = size_bytes;
    size_bytes += static_cast<size_t>(input.n_packs()) * input.pack_bytes();
    n_packs += input.n_packs();
  }
  memory_base_ = reinterpret_cast<uint8_t*>(memory_.floats(size_bytes / sizeof(float)));
  auto body = [&](int64_t begin, int64_t end, int) {
    int64_t first = 0;
    for (const Input& input : inputs_) {
      const int64_t last = first + input.n_packs();
      const int64_t from = std::max(begin, first);
      const int64_t to = std::min(end, last);
      if (from < to) pack(kernels, input, from - first, to - first);
      first = last;
    }
  };
  pool.run(n_packs, any_turned ? kPacksAtOnce : 1, std::ref(body));
}

void TiledInputs::pack(const TileKernels& kernels, const Input& input, int64_t begin, int64_t end) const {
  const size_t stride = input.x.row_stride_bytes() / sizeof(float);
  const auto rows_of = [&](int64_t i) {
    return static_cast<int>(std::min<int64_t>(kTileRows, input.n_rows() - i * kTileRows));
  };
  const auto place_of = [&](int64_t i) {
    return memory_base_ + input.place + static_cast<size_t>(i) * input.pack_bytes();
  };
  if (!input.turned) {
    for (int64_t i = begin; i < end; ++i) {
      kernels.pack_x(input.x.f32(i * kTileRows), stride, rows_of(i), input.k(), input.split, place_of(i));
    }
    return;
  }
  // Packs that lie side by side in the rows that are read, some rows at a time, while the next ones are fetched.
  constexpr int64_t kRowsAtOnce = kTileColumns;
  for (int64_t row = 0; row < input.k(); row += kRowsAtOnce) {
    const int64_t n = std::min(kRowsAtOnce, input.k() - row);
    for (int64_t next = row + kRowsAtOnce; next < std::min(input.k(), row + 2 * kRowsAtOnce); ++next) {
      for (int64_t i = begin; i < end; ++i) __builtin_prefetch(input.x.f32(next) + i * kTileRows);
    }
    for (int64_t i = begin; i < end; ++i) {
      kernels.pack_x_columns(input.x.f32(row) + i * kTileRows, stride, rows_of(i), n,
                             place_of(i) + static_cast<size_t>(row / kTileColumns) * kTileBytes);
    }
  }
}

size_t tiled_floats(const MatmulJob& job) {
  const size_t products = static_cast<size_t>(std::min(kTurnOfX, (job.n_x() + kPair - 1) / kPair * kPair) * kTurnRows);
  const size_t packs = kPair * kSlice * sizeof(uint16_t) / sizeof(float);
  // Rows that are decoded, or copied at the end of a matrix of few rows.
  const size_t copied = job.weight_turned ? 0 : row_bytes(job.weight.type(), job.k()) / sizeof(float) + 1;
  return products + packs + kTileRows * std::max<size_t>(kSlice, copied) + 16;
}

namespace {

/// The products of one unit.
class TiledProducts {
 public:
  TiledProducts(const TileKernels& kernels, const MatmulJob& job, const LanesType* lanes, const TiledInputs& inputs,
                size_t input, float* memory)
      : kernels_(kernels),
        job_(job),
        lanes_(lanes),
        split_(splits_weights(kernels, job)),
        input_(inputs.input(input)),
        x_(inputs.tiles(input)),
        packs_(reinterpret_cast<uint8_t*>(memory)),
        products_(memory + kPair * kSlice * sizeof(uint16_t) / sizeof(float)),
        rows_(products_ + std::min(kTurnOfX, (input_.n_packs() + 1) / 2 * kPair) * kTurnRows) {}

  void multiply_rows(int64_t begin, int64_t end) {
    const int64_t k = job_.k();
    const int64_t slice = split_ ? kSplitSlice : kSlice;
    for (int64_t x = 0; x < input_.n_packs(); x += kTurnOfX / kTileRows) {
      const int64_t x_end = std::min(input_.n_packs(), x + kTurnOfX / kTileRows);
      for (int64_t column = 0; column < k; column += slice) {
        for (int64_t row = begin; row < end; row += kPair) {
          float* products = products_ + (row - begin) / kPair * (x_end - x + 1) / 2 * 4 * kFloats;
          if (row + kPair < end) {
            fetch(row + kPair, end, column, slice);
          } else {
            fetch(begin, end, column + slice, slice);
          }
          add_slice({row, end, column, std::min(slice, k - column)}, x, x_end, products);
        }
      }
    }
  }

 private:
  static constexpr int64_t kFloats = kTileRows * kTileRows;

  /// The rows [row, row + kPair), less those from `end` on, and their columns [column, column + n).
  struct Slice {
    int64_t row;
    int64_t end;
    int64_t column;
    int64_t n;
    int n_groups() const { return end - row > kTileRows ? 2 : 1; }
  };

  /// Asks for the weights of the slice that comes next: its rows are far from one another, which no processor foresees.
  void fetch(int64_t row, int64_t end, int64_t column, int64_t n) const {
    if (job_.weight_turned || column >= job_.k()) return;
    const size_t first = row_bytes(job_.weight.type(), column);
    const size_t last = row_bytes(job_.weight.type(), std::min(column + n, job_.k()));
    for (int64_t r = row; r < std::min(row + kPair, end); ++r) {
      for (size_t byte = first; byte < last; byte += 64) __builtin_prefetch(job_.weight.row_bytes(r) + byte, 0, 2);
    }
  }

  /// Adds the products of a slice and packs [x, x_end) of x.
  void add_slice(const Slice& slice, int64_t x, int64_t x_end, float* products) {
    const int64_t n_tiles = n_tiles_of(slice.n);
    const size_t tiles_bytes = static_cast<size_t>(n_tiles) * kTileBytes;
    const TilePacks weights{packs_, tiles_bytes * (split_ ? 2 : 1), tiles_bytes, slice.n_groups(), split_};
    RowGroup groups[2];
    for (int i = 0; i < weights.n; ++i) {
      uint8_t* to = packs_ + static_cast<size_t>(i) * weights.bytes;
      groups[i] = pack(slice.row + i * kTileRows, slice.end, slice.column, slice.n, to);
      if (has_bias() && slice.column == 0) spread_bias(slice.row + i * kTileRows, groups[i], bias_[i]);
    }
    const TileProducts biases{{{bias_[0], bias_[1]}, {bias_[0], bias_[1]}}, kTileRows};
    const size_t all_tiles = static_cast<size_t>(n_tiles_of(job_.k())) * kTileBytes;
    const size_t skipped = static_cast<size_t>(slice.column / kTileColumns) * kTileBytes;
    for (; x < x_end; x += 2, products += 4 * kFloats) {
      const uint8_t* first = x_ + static_cast<size_t>(x) * input_.pack_bytes() + skipped;
      const TilePacks of_x{first, input_.pack_bytes(), all_tiles, x + 1 < x_end ? 2 : 1, splits_x(kernels_, job_)};
      const TileProducts kept{{{products, products + kFloats}, {products + 2 * kFloats, products + 3 * kFloats}},
                              kTileRows};
      const bool is_first = slice.column == 0;
      const bool is_last = slice.column + slice.n == job_.k();
      const bool direct = goes_to_out(slice, x);
      const TileProducts out = direct ? out_of(slice.row, x) : kept;
      const TileProducts* start = has_bias() ? &biases : direct && job_.accumulate ? &out : nullptr;
      const TileProducts* from = is_first ? start : &kept;
      const float* next = !is_first && x + 2 < x_end ? products + 4 * kFloats : nullptr;
      kernels_.multiply(&of_x, &weights, n_tiles, from, is_last ? &out : &kept, next);
      if (is_last && !direct) store(slice, groups, x, of_x.n, products);
    }
  }

  /// Whether the products of a slice and the packs x and x + 1 fill whole tiles of the result.
  bool goes_to_out(const Slice& slice, int64_t x) const {
    const bool adds_up = !(has_bias() && job_.accumulate);
    return adds_up && slice.row + kPair <= slice.end && (x + 2) * kTileRows <= job_.n_x();
  }

  bool has_bias() const { return !job_.bias.empty(); }

  /// Sums begin at the bias: line by line of a tile, that of the group of rows from `row` on.
  void spread_bias(int64_t row, const RowGroup& group, float (&tile)[kFloats]) const {
    float lanes[kTileRows] = {};
    std::copy_n(job_.bias.f32() + row, group.n, lanes + group.skip);
    for (int64_t line = 0; line < kTileRows; ++line) std::copy_n(lanes, kTileRows, tile + line * kTileRows);
  }

  TileProducts out_of(int64_t row, int64_t x) const {
    Tensor out = job_.out;
    float* first = out.f32(x * kTileRows) + row;
    float* second = out.f32((x + 1) * kTileRows) + row;
    return {{{first, first + kTileRows}, {second, second + kTileRows}}, out.row_stride_bytes() / sizeof(float)};
  }

  void store(const Slice& slice, const RowGroup (&groups)[2], int64_t x, int n_x, const float* products) const {
    for (int i = 0; i < n_x; ++i) {
      const int64_t x_row = (x + i) * kTileRows;
      const auto n_columns = static_cast<int>(std::min<int64_t>(kTileRows, job_.n_x() - x_row));
      for (int j = 0; j < slice.n_groups(); ++j) {
        store_tile(job_.out, nullptr, job_.accumulate, products + (2 * i + j) * kFloats, kTileRows, groups[j],
                   slice.row + j * kTileRows, x_row, n_columns);
      }
    }
  }

  /// Columns [column, column + n) of the group of rows from `row` on.
  RowGroup pack(int64_t row, int64_t end, int64_t column, int64_t n, uint8_t* to) const {
    const Tensor& weight = job_.weight;
    if (job_.weight_turned) {
      const auto n_lanes = static_cast<int>(std::min<int64_t>(kTileRows, end - row));
      if (weight.type() == DType::F32) {
        kernels_.pack_f32_columns(weight.f32(column) + row, weight.row_stride_bytes() / sizeof(float), n_lanes, n, to);
      } else {
        kernels_.pack_bf16_columns(reinterpret_cast<const uint16_t*>(weight.row_bytes(column)) + row,
                                   weight.row_stride_bytes() / sizeof(uint16_t), n_lanes, n, to);
      }
      return {nullptr, 0, kTileRows, 0, n_lanes};
    }
    const size_t offset = row_bytes(weight.type(), column);
    if (is_decoded(weight.type(), lanes_)) {
      const QuantFormat& format = format_of(weight.type());
      for (int64_t r = 0; r < kTileRows; ++r) {
        format.decode(weight.row_bytes(std::min(row + r, end - 1)) + offset, rows_ + r * n, n);
      }
      kernels_.pack_f32(reinterpret_cast<const uint8_t*>(rows_), static_cast<size_t>(n) * sizeof(float), n, to);
      return {nullptr, 0, kTileRows, 0, static_cast<int>(std::min<int64_t>(kTileRows, end - row))};
    }
    const RowGroup group = group_of_rows(weight, row, end, kTileRows, rows_);
    const PackKernel packer = lanes_ != nullptr             ? lanes_->pack_tiles
                              : weight.type() == DType::F32 ? kernels_.pack_f32
                              : weight.type() == DType::F16 ? kernels_.pack_f16
                                                            : kernels_.pack_bf16;
    packer(group.rows + offset, group.row_bytes, n, to);
    return group;
  }

  const TileKernels& kernels_;
  const MatmulJob& job_;
  const LanesType* lanes_;
  bool split_;
  const TiledInputs::Input& input_;
  const uint8_t* x_;
  uint8_t* packs_;
  float* products_;
  float* rows_;
  alignas(64) float bias_[2][kFloats];
};

}  // namespace

void multiply_tiled(const TileKernels& kernels, const MatmulJob& job, const LanesType* lanes, const TiledInputs& inputs,
                    size_t input, int64_t begin, int64_t end, float* memory) {
  TiledProducts products(kernels, job, lanes, inputs, input, memory);
  kernels.configure();
  for (int64_t row = begin; row < end; row += kTurnRows) products.multiply_rows(row, std::min(end, row + kTurnRows));
  kernels.release();
}

}  // namespace ondol::cpu
