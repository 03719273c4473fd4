// Q3_K: 16 sub-blocks of 16 values of 3 bits; value = d * (scale - 32) * q with q in -4..3 and a 6-bit scale per
// sub-block. 3.4375 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"

namespace ondol {

struct BlockQ3_K {
  uint8_t hmask[32];   // third bit of element e: bit e / 32 of byte e % 32; clear means 4 less
  uint8_t qs[64];      // low two bits of element e: byte 32 * (e / 128) + e % 32, bits 2 * (e % 128 / 32) and up
  uint8_t scales[12];  // 16 scales of 6 bits, see q3_k_scale
  uint16_t d;          // scale of the scales, F16
};
static_assert(sizeof(BlockQ3_K) == 110);

/// The scale of sub-block `j` (0..15), -32..31. Bytes 0..7 hold the low four bits (j < 8 in the low nibbles, the others
/// in the high ones), bytes 8..11 the high two bits of sub-blocks j % 4, at bits 2 * (j / 4) and up.
static inline int q3_k_scale(const BlockQ3_K& block, int j) {
  const int low = (block.scales[j % 8] >> (4 * (j / 8))) & 0x0f;
  const int high = (block.scales[8 + j % 4] >> (2 * (j / 4))) & 3;
  return (low | (high << 4)) - 32;
}

static inline void decode_block(const BlockQ3_K& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int j = 0; j < 16; ++j) {
    const float scale = d * static_cast<float>(q3_k_scale(block, j));
    const uint8_t* qs = block.qs + 32 * (j / 8) + 16 * (j % 2);
    const uint8_t* hmask = block.hmask + 16 * (j % 2);
    const int shift = 2 * (j % 8 / 2);
    for (int i = 0; i < 16; ++i) {
      const int q = ((qs[i] >> shift) & 3) | (((hmask[i] >> (j / 2)) & 1) << 2);
      out[16 * j + i] = scale * static_cast<float>(q - 4);
    }
  }
}

/// See QuantFormat::encode.
void encode_q3_k(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
