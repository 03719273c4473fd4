// RoundedInputs: the x of products, rounded to 8 bits and laid out in blocks as the integer kernels read them.
#pragma once

#include <vector>

#include "backend/cpu/matmul_kernels.h"
#include "backend/cpu/scratch.h"
#include "base/thread_pool.h"
#include "tensor/tensor.h"

namespace ondol::cpu {

/// Rows of x are cut into blocks of kWide. Up to kNarrow rows at the end are a block of their own; more, or with
/// `filled_up` any, are filled up with zeros to kWide.
struct BlockOfRows {
  int64_t begin;  // first row of x
  int n_rows;
  int width;  // n_rows, or kWide
};

int64_t n_blocks_of(int64_t n_rows);
BlockOfRows block_of(int64_t n_rows, int64_t block, bool filled_up = false);

class RoundedInputs {
 public:
  void clear() { inputs_.clear(); }
  /// How x lies, and what multiplies it.
  struct Layout {
    bool coarse = false;  // for CoarseKernels: all blocks are filled up
    bool turned = false;  // [D, T]; wants `coarse`
    bool operator==(const Layout&) const = default;
  };
  /// Adds x, unless the last one was the same, for weights of `type`. Returns its index.
  size_t add(const Tensor& x, const LanesType& type, Layout layout);
  /// Rounds all that were added. Blocks of at most kernels.few rows are laid out for strips.
  void build(const MatmulKernels& kernels, ThreadPool& pool);
  /// Valid until the next build.
  XBlock block(size_t input, int64_t block, const LanesType& type) const;

 private:
  /// One of the arrays that belong to a type of weights: starts for a zero point, or sums. Zero points are powers of
  /// two that imply how many elements share a scale, so a bit of a mask names an array.
  static constexpr int kSums32 = 0;
  static constexpr int kSums16 = 1;
  static constexpr int kFirstStart = 2;  // of zero point 4
  static constexpr int kArrays = 8;
  static constexpr int kNoArray = -1;
  static int array_of(const LanesType& type);
  static int per_of(int array);

  struct Input {
    Tensor x;
    Layout layout;
    unsigned arrays;  // mask of those wanted
    size_t q;         // places in memory_, in bytes
    size_t scale;
    size_t array[kArrays];

    int64_t n_rows() const { return layout.turned ? x.columns() : x.rows(); }
    /// With zeros that fill up the last group.
    int64_t k() const;
    BlockOfRows block(int64_t i) const { return block_of(n_rows(), i, layout.coarse); }
  };

  /// What a thread rounds at once: a block, or for strips one of its rows.
  int64_t n_parts(const Input& input) const;
  void round_part(const MatmulKernels& kernels, const Input& input, int64_t part, uint8_t* memory);

  size_t place(Input& input, size_t at) const;
  void round_block(const MatmulKernels& kernels, const Input& input, const BlockOfRows& block, uint8_t* memory);
  /// Blocks [begin, end): their columns lie side by side.
  void round_turned(const MatmulKernels& kernels, const Input& input, int64_t begin, int64_t end, uint8_t* memory);
  void round_for_strips(const MatmulKernels& kernels, const Input& input, const BlockOfRows& block, int column,
                        uint8_t* memory);
  /// Fills the arrays of the block that begins at element `first`: n_sums sums of 16 elements of each of `columns`
  /// rows are known, those of row c at sums[i * columns + c]; number i of row c is the index(i, c)th of an array.
  template <typename Index>
  void fill_arrays(const Input& input, int64_t first, int64_t n_sums, int columns, const int32_t* sums, Index index);
  /// Coarse groups are multiplied in one go: the first start of each becomes the sum of all, in the block that begins at
  /// element `first`.
  void join_starts(const Input& input, int64_t first);
  template <typename T>
  T* at(size_t place) const {
    return reinterpret_cast<T*>(memory_base_ + place);
  }

  std::vector<Input> inputs_;
  Scratch memory_;
  Scratch rounding_;  // what threads need to round
  int few_ = 0;       // blocks of this width and below are for strips
  uint8_t* memory_base_ = nullptr;
};

}  // namespace ondol::cpu
