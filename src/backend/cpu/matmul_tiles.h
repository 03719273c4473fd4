// Products by matrix instructions (AMX): weights are unpacked to BF16, which is as precise as 8 bits with scales and
// several times as fast, when there are enough rows of x to pay for it.
#pragma once

#include <vector>

#include "backend/cpu/matmul_kernels.h"
#include "backend/cpu/scratch.h"
#include "base/thread_pool.h"
#include "tensor/tensor.h"

namespace ondol::cpu {

struct MatmulJob;

/// Rows of x from which on this way is the fastest.
constexpr int64_t kFewestTiledRows = 17;

/// Whether weights [H, k] of this type may go this way with n_x rows of x. `lanes` is their type's, or nullptr.
/// `rounded`: floats may be rounded to BF16.
bool may_be_tiled(const TileKernels& kernels, DType weight, int64_t k, int64_t n_x, const LanesType* lanes,
                  bool rounded);

/// x in tiles of BF16.
class TiledInputs {
 public:
  void clear() { inputs_.clear(); }
  /// Adds the x of a job, unless the last one was the same. Returns its index.
  size_t add(const TileKernels& kernels, const MatmulJob& job);
  /// Packs all that were added.
  void build(const TileKernels& kernels, ThreadPool& pool);

  struct Input {
    Tensor x;
    bool turned;
    bool split;
    size_t place;
    int64_t n_rows() const { return turned ? x.columns() : x.rows(); }
    int64_t k() const { return turned ? x.rows() : x.columns(); }
    /// From the pack of kTileRows rows to that of the next.
    size_t pack_bytes() const;
    int64_t n_packs() const { return (n_rows() + kTileRows - 1) / kTileRows; }
  };
  const Input& input(size_t index) const { return inputs_[index]; }
  /// Valid until the next build.
  const uint8_t* tiles(size_t index) const { return memory_base_ + inputs_[index].place; }

 private:
  void pack(const TileKernels& kernels, const Input& input, int64_t begin, int64_t end) const;

  std::vector<Input> inputs_;
  Scratch memory_;
  uint8_t* memory_base_ = nullptr;
};

/// Floats of memory that multiply_tiled wants.
size_t tiled_floats(const MatmulJob& job);

/// Weight rows [begin, end) of the job times all of x, which is `input`.
void multiply_tiled(const TileKernels& kernels, const MatmulJob& job, const LanesType* lanes, const TiledInputs& inputs,
                    size_t input, int64_t begin, int64_t end, float* memory);

}  // namespace ondol::cpu
