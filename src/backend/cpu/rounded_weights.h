// RoundedWeights: matrices that learn, rounded to bytes for one product. They change with every step, so nothing is
// kept.
#pragma once

#include <deque>

#include "backend/cpu/kernels.h"
#include "base/thread_pool.h"
#include "tensor/tensor.h"

namespace ondol::cpu {

/// Rounds n numbers to `type`, in which they are whole blocks. Q8_0 is rounded fast, without the encoder's care for
/// weights that matter more: in coarse groups where there are kernels for them, else as the cache is.
void round_row(const CpuKernels& kernels, DType type, const float* values, int64_t n, uint8_t* out);

class RoundedWeights {
 public:
  RoundedWeights(const CpuKernels& kernels, ThreadPool& pool) : kernels_(kernels), pool_(pool) {}

  /// Forgets the matrices, but keeps their memory.
  void clear() { n_ = 0; }
  /// `matrix` in Q8_0, for F32 and rows of whole blocks. Valid until clear().
  Tensor add(const Tensor& matrix);

 private:
  const CpuKernels& kernels_;
  ThreadPool& pool_;
  std::deque<Buffer> memory_;
  size_t n_ = 0;
};

}  // namespace ondol::cpu
