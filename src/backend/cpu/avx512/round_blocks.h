// Whole blocks of x rounded to 8 bits.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace ondol::cpu::avx512 {

/// A RoundKernel: the same numbers as round_columns, all columns of a whole block at a time.
void round_blocks(const float* x, size_t x_stride, int n, int64_t k, int width, int8_t* q, float* scale, int32_t* sums);
/// The same for round_coarse_columns.
void round_coarse_blocks(const float* x, size_t x_stride, int n, int64_t k, int width, int8_t* q, float* scale,
                         int32_t* sums);

}  // namespace ondol::cpu::avx512
