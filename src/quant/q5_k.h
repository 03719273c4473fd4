// Q5_K: 8 sub-blocks of 32 values of 5 bits; value = d * scale * q - dmin * min, with 6-bit scale and min per
// sub-block. 5.5 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"
#include "quant/q4_k.h"

namespace ondol {

struct BlockQ5_K {
  uint16_t d;          // scale of the scales, F16
  uint16_t dmin;       // scale of the mins, F16
  uint8_t scales[12];  // 8 scales and 8 mins of 6 bits, see k_scale and k_min in q4_k.h
  uint8_t qh[32];      // fifth bit of element e: bit e / 32 of byte e % 32
  uint8_t qs[128];     // low four bits of element e: byte 32 * (e / 64) + e % 32, the high nibble if e % 64 >= 32
};
static_assert(sizeof(BlockQ5_K) == 176);

static inline void decode_block(const BlockQ5_K& block, float* out) {
  const float d = f16_to_f32(block.d);
  const float dmin = f16_to_f32(block.dmin);
  for (int j = 0; j < 8; ++j) {
    const float scale = d * static_cast<float>(k_scale(block.scales, j));
    const float min = dmin * static_cast<float>(k_min(block.scales, j));
    const uint8_t* qs = block.qs + 32 * (j / 2);
    const int shift = 4 * (j % 2);
    for (int i = 0; i < 32; ++i) {
      const int q = ((qs[i] >> shift) & 0x0f) | (((block.qh[i] >> j) & 1) << 4);
      out[32 * j + i] = scale * static_cast<float>(q) - min;
    }
  }
}

/// See QuantFormat::encode.
void encode_q5_k(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
