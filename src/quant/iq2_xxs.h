// IQ2_XXS: 8 sub-blocks of 32 values; each group of 8 is an entry of a codebook of 256 with 8 signs (even number of
// minuses), each sub-block has a 4-bit scale. 2.0625 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"
#include "quant/iq_grids.h"

namespace ondol {

struct BlockIQ2_XXS {
  uint16_t d;      // scale, F16
  uint8_t qs[64];  // per sub-block: 4 codebook indices, then 32 bits: 4 times 7 signs and the scale on top
};
static_assert(sizeof(BlockIQ2_XXS) == 66);

static inline void decode_block(const BlockIQ2_XXS& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int j = 0; j < 8; ++j) {
    const uint8_t* indices = block.qs + 8 * j;
    const uint32_t packed = iq_load_u32(indices + 4);
    const float scale = d * (0.5f + static_cast<float>(packed >> 28)) * 0.25f;
    for (int k = 0; k < 4; ++k) {
      const uint8_t* magnitudes = kIq2XxsGrid.entry[indices[k]];
      const uint32_t signs = iq_signs_of((packed >> (7 * k)) & 127);
      for (int i = 0; i < 8; ++i) {
        out[32 * j + 8 * k + i] = iq_signed(scale * static_cast<float>(magnitudes[i]), signs, i);
      }
    }
  }
}

/// See QuantFormat::encode.
void encode_iq2_xxs(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
