// Q6_K: 16 sub-blocks of 16 values of 6 bits; value = d * scale * (q - 32), with an 8-bit scale per sub-block.
// 6.5625 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"

namespace ondol {

struct BlockQ6_K {
  uint8_t ql[128];    // low four bits of element e: byte 64 * (e / 128) + e % 64, the high nibble if e % 128 >= 64
  uint8_t qh[64];     // high two bits of element e: byte 32 * (e / 128) + e % 32, bits 2 * (e % 128 / 32) and up
  int8_t scales[16];  // scale of sub-block j
  uint16_t d;         // scale of the scales, F16
};
static_assert(sizeof(BlockQ6_K) == 210);

static inline void decode_block(const BlockQ6_K& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int j = 0; j < 16; ++j) {
    const float scale = d * static_cast<float>(block.scales[j]);
    const uint8_t* ql = block.ql + 64 * (j / 8) + 16 * (j % 4);
    const uint8_t* qh = block.qh + 32 * (j / 8) + 16 * (j % 2);
    const int low_shift = 4 * (j % 8 / 4);
    const int high_shift = 2 * (j % 8 / 2);
    for (int i = 0; i < 16; ++i) {
      const int q = ((ql[i] >> low_shift) & 0x0f) | (((qh[i] >> high_shift) & 3) << 4);
      out[16 * j + i] = scale * static_cast<float>(q - 32);
    }
  }
}

/// See QuantFormat::encode.
void encode_q6_k(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
