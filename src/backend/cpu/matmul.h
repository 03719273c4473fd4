// multiply: every product of activations and weights that CpuBackend needs, several at a time.
#pragma once

#include <span>
#include <vector>

#include "backend/cpu/kernels.h"
#include "backend/cpu/matmul_inputs.h"
#include "backend/cpu/matmul_tiles.h"
#include "backend/cpu/scratch.h"
#include "base/thread_pool.h"
#include "tensor/tensor.h"

namespace ondol::cpu {

/// out = x weight^T + bias, or out += that. x F32 [T, D], weight [H, D] in any DType, bias F32 [H] or empty, out F32
/// [T, H]. Rows of x and out may lie apart (row_stride_bytes). T may be 0.
struct MatmulJob {
  Tensor x;
  Tensor weight;
  Tensor bias;
  Tensor out;
  bool accumulate = false;
  /// Floats may be rounded to BF16 wherever that is faster.
  bool rounded = false;
  /// x is given as [D, T], weight (in F32 or BF16) as [D, H]: only where takes_turned() or, for coarse products,
  /// takes_coarse(), and if `rounded`.
  bool x_turned = false;
  bool weight_turned = false;
  /// Both sides are bytes of which kCoarseGroup share a scale: weights of Q8_0 that were rounded so, or turned ones that
  /// are rounded here. Only where takes_coarse().
  bool coarse = false;

  int64_t n_x() const { return x_turned ? x.columns() : x.rows(); }
  int64_t n_weights() const { return weight_turned ? weight.columns() : weight.rows(); }
  int64_t k() const { return x_turned ? x.rows() : x.columns(); }
};

/// How the weights of a job are multiplied.
enum class MatmulWay {
  kDecode,  // rows are decoded to floats
  kFloats,  // floats of any size, as they lie
  kLanes,   // with x rounded to 8 bits
  kTiles,   // in tiles of BF16
};

/// The way that `multiply` goes for weights [H, k] of this type and n_x rows of x.
MatmulWay way_to_multiply(const CpuKernels& kernels, DType weight, int64_t k, int64_t n_x, bool rounded = false);

/// nullptr: the processor multiplies no BF16.
const TileKernels* tiles_of(const CpuKernels& kernels);

/// Whether jobs may have turned operands: only products of tiles read them.
bool takes_turned(const CpuKernels& kernels);

/// Kernels for coarse products, where they are the fastest; otherwise nullptr.
const CoarseKernels* coarse_of(const CpuKernels& kernels);

/// Whether a job may be coarse, and gains by it: a few rows are sooner multiplied as any others. x has to fill whole
/// groups: kXGroup columns, or kWide if it is turned.
bool takes_coarse(const CpuKernels& kernels, const MatmulJob& job);

/// Rows [begin, end) of one job's weights.
struct MatmulUnit {
  size_t job;
  int64_t begin;
  int64_t end;
};

/// Memory that products reuse from call to call.
struct MatmulScratch {
  struct Plan {
    MatmulWay way;
    const LanesType* type;  // nullptr where the type of weights has none
    size_t input;           // in `inputs` or `tiled_inputs`
  };
  std::vector<Plan> plans;
  std::vector<MatmulUnit> units;
  RoundedInputs inputs;
  TiledInputs tiled_inputs;
  Scratch of_threads;
};

/// Runs all jobs, which must not depend on one another. Jobs that follow one another with the same x share its
/// preparation. The result does not depend on the number of threads.
void multiply(const CpuKernels& kernels, ThreadPool& pool, MatmulScratch& scratch, std::span<const MatmulJob> jobs);

}  // namespace ondol::cpu
