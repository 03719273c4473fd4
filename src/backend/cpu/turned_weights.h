// TurnedWeights: matrices with rows and columns exchanged, as products with gradients want them. Those that never
// change are kept, as long as there is memory for them.
#pragma once

#include <map>

#include "backend/cpu/kernels.h"
#include "backend/cpu/scratch.h"
#include "base/thread_pool.h"
#include "tensor/tensor.h"

namespace ondol::cpu {

class TurnedWeights {
 public:
  TurnedWeights(const CpuKernels& kernels, ThreadPool& pool) : kernels_(kernels), pool_(pool) {}

  /// So many bytes may be taken to keep matrices, from now on. Those that were kept are forgotten.
  void set_budget(size_t size_bytes);

  /// `matrix` [H, D] as [D, H] of `type` (F32, BF16 or Q8_0, for which H is whole blocks); empty where it does not fit.
  /// What lies at the matrix's place must not change any more.
  Tensor kept(const Tensor& matrix, DType type);

  /// Rows [begin, begin + n) of `matrix`: [D, n]. Valid until the next call.
  Tensor turned(const Tensor& matrix, int64_t begin, int64_t n, DType type);

 private:
  void turn(const Tensor& matrix, int64_t begin, Tensor out);

  struct Kept {
    Tensor matrix;
    OwnedTensor turned;
  };
  const CpuKernels& kernels_;
  ThreadPool& pool_;
  size_t left_bytes_ = 0;
  std::map<const uint8_t*, Kept> kept_;
  Buffer memory_;
  Scratch of_threads_;
};

}  // namespace ondol::cpu
