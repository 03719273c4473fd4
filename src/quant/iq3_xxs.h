// IQ3_XXS: 8 sub-blocks of 32 values; each group of 4 is an entry of a codebook of 256, 8 values share 8 signs (even
// number of minuses), each sub-block has a 4-bit scale. 3.0625 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"
#include "quant/iq_grids.h"

namespace ondol {

struct BlockIQ3_XXS {
  uint16_t d;                // scale, F16
  uint8_t qs[64];            // codebook index of group k
  uint8_t scales_signs[32];  // per sub-block 32 bits: 4 times 7 signs and the scale on top
};
static_assert(sizeof(BlockIQ3_XXS) == 98);

static inline void decode_block(const BlockIQ3_XXS& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int j = 0; j < 8; ++j) {
    const uint32_t packed = iq_load_u32(block.scales_signs + 4 * j);
    const float scale = d * (0.5f + static_cast<float>(packed >> 28)) * 0.5f;
    for (int k = 0; k < 8; ++k) {
      const uint8_t* magnitudes = kIq3XxsGrid.entry[block.qs[8 * j + k]];
      const uint32_t signs = iq_signs_of((packed >> (7 * (k / 2))) & 127) >> (4 * (k % 2));
      for (int i = 0; i < 4; ++i) {
        out[32 * j + 4 * k + i] = iq_signed(scale * static_cast<float>(magnitudes[i]), signs, i);
      }
    }
  }
}

/// See QuantFormat::encode.
void encode_iq3_xxs(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
