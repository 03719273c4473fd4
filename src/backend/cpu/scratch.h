// Scratch: memory that an operation reuses from call to call. It grows to the largest request and stays.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "tensor/tensor.h"

namespace ondol::cpu {

class Scratch {
 public:
  /// 64-byte aligned. What the last call returned is lost.
  float* floats(size_t n) {
    const size_t size_bytes = n * sizeof(float);
    if (size_bytes > buffer_.size_bytes()) {
      buffer_ = Buffer();  // the old memory first, so that both never exist together
      buffer_ = Buffer(size_bytes + size_bytes / 2);
    }
    return reinterpret_cast<float*>(buffer_.data());
  }

  Tensor matrix(int64_t rows, int64_t columns) {
    return Tensor(DType::F32, {rows, columns}, floats(static_cast<size_t>(rows * columns)));
  }

 private:
  Buffer buffer_;
};

}  // namespace ondol::cpu
