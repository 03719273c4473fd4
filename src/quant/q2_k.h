// Q2_K: 16 sub-blocks of 16 values of 2 bits; value = d * scale * q - dmin * min, with 4-bit scale and min per
// sub-block. 2.625 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"

namespace ondol {

struct BlockQ2_K {
  uint8_t scales[16];  // sub-block j: scale in the low nibble, min in the high one
  uint8_t qs[64];      // element e: byte 32 * (e / 128) + e % 32, bits 2 * (e % 128 / 32) and up
  uint16_t d;          // scale of the scales, F16
  uint16_t dmin;       // scale of the mins, F16
};
static_assert(sizeof(BlockQ2_K) == 84);

static inline void decode_block(const BlockQ2_K& block, float* out) {
  const float d = f16_to_f32(block.d);
  const float dmin = f16_to_f32(block.dmin);
  for (int j = 0; j < 16; ++j) {
    const float scale = d * static_cast<float>(block.scales[j] & 0x0f);
    const float min = dmin * static_cast<float>(block.scales[j] >> 4);
    const uint8_t* qs = block.qs + 32 * (j / 8) + 16 * (j % 2);
    const int shift = 2 * (j % 8 / 2);
    for (int i = 0; i < 16; ++i) out[16 * j + i] = scale * static_cast<float>((qs[i] >> shift) & 3) - min;
  }
}

/// See QuantFormat::encode.
void encode_q2_k(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
