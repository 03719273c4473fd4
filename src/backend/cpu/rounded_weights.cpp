#include "backend/cpu/rounded_weights.h"

#include <functional>

#include "backend/cpu/matmul.h"
#include "quant/format.h"

namespace ondol::cpu {

void round_row(const CpuKernels& kernels, DType type, const float* values, int64_t n, uint8_t* out) {
  if (const CoarseKernels* coarse = coarse_of(kernels); type == DType::Q8_0 && coarse != nullptr) {
    coarse->round_row(values, n, out);
  } else if (type == DType::Q8_0) {
    kernels.kv_encode(KvType::kQ8_0, values, out, static_cast<int>(n));
  } else {
    format_of(type).encode(values, nullptr, out, n);
  }
}

Tensor RoundedWeights::add(const Tensor& matrix) {
  const size_t size_bytes = row_bytes(DType::Q8_0, matrix.columns()) * static_cast<size_t>(matrix.rows());
  if (n_ == memory_.size()) memory_.emplace_back();
  Buffer& memory = memory_[n_++];
  if (memory.size_bytes() < size_bytes) {
    memory = Buffer();
    memory = Buffer(size_bytes);
  }
  Tensor out(DType::Q8_0, matrix.shape(), memory.data());
  auto rows = [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      round_row(kernels_, DType::Q8_0, matrix.f32(row), matrix.columns(), out.row_bytes(row));
    }
  };
  constexpr int64_t kRowsOfChunk = 16;
  pool_.run(matrix.rows(), kRowsOfChunk, std::ref(rows));
  return out;
}

}  // namespace ondol::cpu
