// Q4_1: 32 values of 4 bits with a scale and a minimum, value = d * q + m. 5 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"

namespace ondol {

struct BlockQ4_1 {
  uint16_t d;      // scale, F16
  uint16_t m;      // value of q = 0, F16
  uint8_t qs[16];  // q of elements 0..15 in the low nibbles, 16..31 in the high ones
};
static_assert(sizeof(BlockQ4_1) == 20);

static inline void decode_block(const BlockQ4_1& block, float* out) {
  const float d = f16_to_f32(block.d);
  const float m = f16_to_f32(block.m);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(block.qs[i] & 0x0f) + m;
    out[i + 16] = d * static_cast<float>(block.qs[i] >> 4) + m;
  }
}

/// See QuantFormat::encode.
void encode_q4_1(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
