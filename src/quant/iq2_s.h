// IQ2_S: 32 groups of 8 values, each an entry of a codebook of 1024 with 8 free signs; two groups share a 4-bit scale.
// 2.5625 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"
#include "quant/iq_grids.h"

namespace ondol {

struct BlockIQ2_S {
  uint16_t d;         // scale, F16
  uint8_t qs[32];     // group k: low 8 bits of the codebook index
  uint8_t signs[32];  // group k: bit i set if element i is negative
  uint8_t qh[8];      // group k: high 2 bits of the index, byte k / 4, bits 2 * (k % 4) and up
  uint8_t scales[8];  // scale of groups 2j and 2j + 1: byte j / 2, the high nibble if j is odd
};
static_assert(sizeof(BlockIQ2_S) == 82);

static inline void decode_block(const BlockIQ2_S& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int k = 0; k < 32; ++k) {
    const int nibble = (block.scales[k / 4] >> (4 * (k / 2 % 2))) & 0x0f;
    const float scale = d * (0.5f + static_cast<float>(nibble)) * 0.25f;
    const int index = block.qs[k] | (((block.qh[k / 4] >> (2 * (k % 4))) & 3) << 8);
    const uint8_t* magnitudes = kIq2SGrid.entry[index];
    for (int i = 0; i < 8; ++i) {
      out[8 * k + i] = iq_signed(scale * static_cast<float>(magnitudes[i]), block.signs[k], i);
    }
  }
}

/// See QuantFormat::encode.
void encode_iq2_s(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
