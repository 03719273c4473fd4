// Q5_0: 32 values of 5 bits with one scale, value = d * (q - 16). 5.5 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"

namespace ondol {

struct BlockQ5_0 {
  uint16_t d;      // scale, F16
  uint8_t qh[4];   // fifth bit of element i: bit i % 8 of byte i / 8
  uint8_t qs[16];  // low four bits: elements 0..15 in the low nibbles, 16..31 in the high ones
};
static_assert(sizeof(BlockQ5_0) == 22);

static inline void decode_block(const BlockQ5_0& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 16; ++i) {
    const int first = (block.qs[i] & 0x0f) | (((block.qh[i / 8] >> (i % 8)) & 1) << 4);
    const int second = (block.qs[i] >> 4) | (((block.qh[2 + i / 8] >> (i % 8)) & 1) << 4);
    out[i] = d * static_cast<float>(first - 16);
    out[i + 16] = d * static_cast<float>(second - 16);
  }
}

/// See QuantFormat::encode.
void encode_q5_0(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
