// Q4_0: 32 values of 4 bits with one scale, value = d * (q - 8). 4.5 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"

namespace ondol {

struct BlockQ4_0 {
  uint16_t d;      // scale, F16
  uint8_t qs[16];  // q of elements 0..15 in the low nibbles, 16..31 in the high ones
};
static_assert(sizeof(BlockQ4_0) == 18);

static inline void decode_block(const BlockQ4_0& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>((block.qs[i] & 0x0f) - 8);
    out[i + 16] = d * static_cast<float>((block.qs[i] >> 4) - 8);
  }
}

/// See QuantFormat::encode.
void encode_q4_0(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
