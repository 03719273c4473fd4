// IQ4_XS: 8 sub-blocks of 32 values of 4 bits that choose from IQ4_NL's levels; value = d * (scale - 32) * level[q],
// with a 6-bit scale per sub-block. 4.25 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"
#include "quant/iq4_nl.h"

namespace ondol {

struct BlockIQ4_XS {
  uint16_t d;           // scale of the scales, F16
  uint16_t scales_h;    // high two bits of the scale of sub-block j: bits 2 * j and up
  uint8_t scales_l[4];  // low four bits of the scale of sub-block j: byte j / 2, the high nibble if j is odd
  uint8_t qs[128];      // 16 bytes per sub-block: elements 0..15 in the low nibbles, 16..31 in the high ones
};
static_assert(sizeof(BlockIQ4_XS) == 136);

/// The scale of sub-block `j` (0..7), -32..31.
static inline int iq4_xs_scale(const BlockIQ4_XS& block, int j) {
  const int low = (block.scales_l[j / 2] >> (4 * (j % 2))) & 0x0f;
  const int high = (block.scales_h >> (2 * j)) & 3;
  return (low | (high << 4)) - 32;
}

static inline void decode_block(const BlockIQ4_XS& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int j = 0; j < 8; ++j) {
    const float scale = d * static_cast<float>(iq4_xs_scale(block, j));
    const uint8_t* qs = block.qs + 16 * j;
    for (int i = 0; i < 16; ++i) {
      out[32 * j + i] = scale * static_cast<float>(kIq4Levels[qs[i] & 0x0f]);
      out[32 * j + i + 16] = scale * static_cast<float>(kIq4Levels[qs[i] >> 4]);
    }
  }
}

/// See QuantFormat::encode.
void encode_iq4_xs(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
