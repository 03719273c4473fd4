// IQ3_S: 8 sub-blocks of 32 values; each group of 4 is an entry of a codebook of 512 with 4 free signs, each sub-block
// has a 4-bit scale. 3.4375 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"
#include "quant/iq_grids.h"

namespace ondol {

struct BlockIQ3_S {
  uint16_t d;         // scale, F16
  uint8_t qs[64];     // group k: low 8 bits of the codebook index
  uint8_t qh[8];      // group k: ninth bit of the index, bit k % 8 of byte k / 8
  uint8_t signs[32];  // bit e % 8 of byte e / 8 set if element e is negative
  uint8_t scales[4];  // scale of sub-block j: byte j / 2, the high nibble if j is odd
};
static_assert(sizeof(BlockIQ3_S) == 110);

static inline void decode_block(const BlockIQ3_S& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int k = 0; k < 64; ++k) {
    const int nibble = (block.scales[k / 16] >> (4 * (k / 8 % 2))) & 0x0f;
    const float scale = d * static_cast<float>(1 + 2 * nibble);
    const int index = block.qs[k] | (((block.qh[k / 8] >> (k % 8)) & 1) << 8);
    const uint8_t* magnitudes = kIq3SGrid.entry[index];
    const uint32_t signs = static_cast<uint32_t>(block.signs[k / 2]) >> (4 * (k % 2));
    for (int i = 0; i < 4; ++i) out[4 * k + i] = iq_signed(scale * static_cast<float>(magnitudes[i]), signs, i);
  }
}

/// See QuantFormat::encode.
void encode_iq3_s(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
