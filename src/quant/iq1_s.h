// IQ1_S: 8 sub-blocks of 32 values; each group of 8 is an entry of a codebook of 2048 over -1, 0, 1; each sub-block has
// a 3-bit scale and the sign of an offset of 1/8. 1.5625 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"
#include "quant/iq_grids.h"

namespace ondol {

struct BlockIQ1_S {
  uint16_t d;      // scale, F16
  uint8_t qs[32];  // group k: low 8 bits of the codebook index
  uint16_t
      qh[8];  // per sub-block: 4 times 3 high bits of the indices, 3 bits of scale, and bit 15 for a negative offset
};
static_assert(sizeof(BlockIQ1_S) == 50);

static inline void decode_block(const BlockIQ1_S& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int j = 0; j < 8; ++j) {
    const uint32_t packed = block.qh[j];
    const float scale = d * static_cast<float>(2 * ((packed >> 12) & 7) + 1);
    const float delta = packed & 0x8000 ? -kIq1Delta : kIq1Delta;
    for (int k = 0; k < 4; ++k) {
      const uint32_t index = block.qs[4 * j + k] | (((packed >> (3 * k)) & 7) << 8);
      const int8_t* digits = kIq1Grid.entry[index];
      for (int i = 0; i < 8; ++i) out[32 * j + 8 * k + i] = scale * (static_cast<float>(digits[i]) + delta);
    }
  }
}

/// See QuantFormat::encode.
void encode_iq1_s(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
