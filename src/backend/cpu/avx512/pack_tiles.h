// Packing of numbers into tiles of BF16 (matmul_kernels.h), for whatever multiplies them.
#pragma once

#include "backend/cpu/matmul_kernels.h"

namespace ondol::cpu::avx512 {

/// As TileKernels' members say.
void pack_x(const float* x, size_t x_stride, int n, int64_t k, bool split, uint8_t* tiles);
void pack_f32(const uint8_t* rows, size_t row_bytes, int64_t k, uint8_t* tiles);
void pack_f32_columns(const float* weights, size_t stride, int n, int64_t k, uint8_t* tiles);
void pack_bf16_columns(const uint16_t* weights, size_t stride, int n, int64_t k, uint8_t* tiles);
void pack_x_columns(const float* x, size_t x_stride, int n, int64_t k, uint8_t* tiles);
void pack_f16(const uint8_t* rows, size_t row_bytes, int64_t k, uint8_t* tiles);
void pack_f16_split(const uint8_t* rows, size_t row_bytes, int64_t k, uint8_t* tiles);
void pack_bf16(const uint8_t* rows, size_t row_bytes, int64_t k, uint8_t* tiles);

}  // namespace ondol::cpu::avx512
