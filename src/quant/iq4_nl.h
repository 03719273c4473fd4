// IQ4_NL: 32 values of 4 bits that choose from 16 unevenly spaced levels, value = d * level[q]. 4.5 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"

namespace ondol {

/// The levels of IQ4_NL and IQ4_XS.
constexpr int8_t kIq4Levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

struct BlockIQ4_NL {
  uint16_t d;      // scale, F16
  uint8_t qs[16];  // q of elements 0..15 in the low nibbles, 16..31 in the high ones
};
static_assert(sizeof(BlockIQ4_NL) == 18);

static inline void decode_block(const BlockIQ4_NL& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(kIq4Levels[block.qs[i] & 0x0f]);
    out[i + 16] = d * static_cast<float>(kIq4Levels[block.qs[i] >> 4]);
  }
}

/// See QuantFormat::encode.
void encode_iq4_nl(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
