// Q4_K: 8 sub-blocks of 32 values of 4 bits; value = d * scale * q - dmin * min, with 6-bit scale and min per
// sub-block. 4.5 bits per weight. The packing of the scales is shared with Q5_K.
#pragma once

#include <cstdint>

#include "quant/half.h"

namespace ondol {

struct BlockQ4_K {
  uint16_t d;          // scale of the scales, F16
  uint16_t dmin;       // scale of the mins, F16
  uint8_t scales[12];  // 8 scales and 8 mins of 6 bits, see k_scale and k_min
  uint8_t qs[128];     // element e: byte 32 * (e / 64) + e % 32, the high nibble if e % 64 >= 32
};
static_assert(sizeof(BlockQ4_K) == 144);

/// The scale of sub-block `j` (0..7), 0..63. j < 4: the low six bits of byte j; otherwise the low nibble of byte j + 4
/// below the top two bits of byte j - 4.
static inline int k_scale(const uint8_t* scales, int j) {
  return j < 4 ? scales[j] & 0x3f : (scales[j + 4] & 0x0f) | ((scales[j - 4] >> 6) << 4);
}

/// The min of sub-block `j` (0..7), 0..63. j < 4: the low six bits of byte j + 4; otherwise the high nibble of byte
/// j + 4 below the top two bits of byte j.
static inline int k_min(const uint8_t* scales, int j) {
  return j < 4 ? scales[j + 4] & 0x3f : (scales[j + 4] >> 4) | ((scales[j] >> 6) << 4);
}

static inline void decode_block(const BlockQ4_K& block, float* out) {
  const float d = f16_to_f32(block.d);
  const float dmin = f16_to_f32(block.dmin);
  for (int j = 0; j < 8; ++j) {
    const float scale = d * static_cast<float>(k_scale(block.scales, j));
    const float min = dmin * static_cast<float>(k_min(block.scales, j));
    const uint8_t* qs = block.qs + 32 * (j / 2);
    const int shift = 4 * (j % 2);
    for (int i = 0; i < 32; ++i) out[32 * j + i] = scale * static_cast<float>((qs[i] >> shift) & 0x0f) - min;
  }
}

/// See QuantFormat::encode.
void encode_q4_k(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
