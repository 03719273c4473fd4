// multiply: every product of activations and weights that CpuBackend needs, several at a time.
#pragma once

#include <span>

#include "backend/cpu/kernels.h"
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
};

/// Memory that products reuse from call to call.
class MatmulScratch {
 public:
  /// `n` floats for `thread`, of at most `n_threads`; what they held before is lost.
  void reserve(int n_threads, size_t n_floats);
  float* of_thread(int thread) {
    return reinterpret_cast<float*>(buffer_.data()) + static_cast<size_t>(thread) * n_floats_;
  }

 private:
  Buffer buffer_;
  size_t n_floats_ = 0;
  int n_threads_ = 0;
};

/// Runs all jobs, which must not depend on one another, as one parallel loop. Jobs that follow one another with the
/// same x share its preparation. The result does not depend on the number of threads.
void multiply(const CpuKernels& kernels, ThreadPool& pool, MatmulScratch& scratch, std::span<const MatmulJob> jobs);

}  // namespace ondol::cpu
