// TQ1_0: 256 values of -1, 0, 1 with one scale, five to a byte. 1.6875 bits per weight.
//
// A byte holds its digits as the fraction b / 256 in base 3: multiplying by 3 moves the next digit above the byte.
#pragma once

#include <cstdint>

#include "quant/half.h"

namespace ondol {

struct BlockTQ1_0 {
  uint8_t qs[48];  // bytes 0..31: digit k is element 32 * k + i (160 in all); bytes 32..47: 160 + 16 * k + i
  uint8_t qh[4];   // digit k (0..3) of byte i is element 240 + 4 * k + i
  uint16_t d;      // scale, F16
};
static_assert(sizeof(BlockTQ1_0) == 54);

/// Digit `k` of `byte`, as -1, 0 or 1. `power` is 3^k.
static inline int tq1_0_digit(uint8_t byte, int power) {
  return ((((byte * power) & 0xff) * 3) >> 8) - 1;
}

static inline void decode_block(const BlockTQ1_0& block, float* out) {
  const float d = f16_to_f32(block.d);
  int power = 1;
  for (int k = 0; k < 5; ++k) {
    for (int i = 0; i < 32; ++i) out[32 * k + i] = d * static_cast<float>(tq1_0_digit(block.qs[i], power));
    for (int i = 0; i < 16; ++i) out[160 + 16 * k + i] = d * static_cast<float>(tq1_0_digit(block.qs[32 + i], power));
    for (int i = 0; i < 4 && k < 4; ++i) out[240 + 4 * k + i] = d * static_cast<float>(tq1_0_digit(block.qh[i], power));
    power *= 3;
  }
}

/// See QuantFormat::encode.
void encode_tq1_0(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
