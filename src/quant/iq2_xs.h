// IQ2_XS: 32 groups of 8 values, each an entry of a codebook of 512 with 8 signs (even number of minuses); two groups
// share a 4-bit scale. 2.3125 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"
#include "quant/iq_grids.h"

namespace ondol {

struct BlockIQ2_XS {
  uint16_t d;         // scale, F16
  uint16_t qs[32];    // group k: codebook index in the low 9 bits, 7 signs on top
  uint8_t scales[8];  // scale of groups 2j and 2j + 1: byte j / 2, the high nibble if j is odd
};
static_assert(sizeof(BlockIQ2_XS) == 74);

static inline void decode_block(const BlockIQ2_XS& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int k = 0; k < 32; ++k) {
    const int nibble = (block.scales[k / 4] >> (4 * (k / 2 % 2))) & 0x0f;
    const float scale = d * (0.5f + static_cast<float>(nibble)) * 0.25f;
    const uint8_t* magnitudes = kIq2XsGrid.entry[block.qs[k] & 511];
    const uint32_t signs = iq_signs_of(block.qs[k] >> 9);
    for (int i = 0; i < 8; ++i) out[8 * k + i] = iq_signed(scale * static_cast<float>(magnitudes[i]), signs, i);
  }
}

/// See QuantFormat::encode.
void encode_iq2_xs(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
