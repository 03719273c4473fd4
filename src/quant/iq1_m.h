// IQ1_M: 32 groups of 8 values, each an entry of IQ1_S's codebook with its own sign of the offset of 1/8; two groups
// share a 3-bit scale. 1.75 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"
#include "quant/iq_grids.h"

namespace ondol {

struct BlockIQ1_M {
  uint8_t qs[32];      // group k: low 8 bits of the codebook index
  uint8_t qh[16];      // group k: byte k / 2, nibble k % 2: 3 high bits of the index, bit 3 for a negative offset
  uint16_t scales[4];  // scale of groups 2j and 2j + 1: 3 bits at 3 * (j % 4) of word j / 4; top 4 bits: see iq1_m_d
};
static_assert(sizeof(BlockIQ1_M) == 56);

/// The scale of the scales as F16 bits: its four nibbles, lowest first, are the top ones of the four words.
static inline uint16_t iq1_m_d(const BlockIQ1_M& block) {
  const uint16_t* words = block.scales;
  return static_cast<uint16_t>((words[0] >> 12) | ((words[1] >> 12) << 4) | ((words[2] >> 12) << 8) |
                               ((words[3] >> 12) << 12));
}

static inline void decode_block(const BlockIQ1_M& block, float* out) {
  const float d = f16_to_f32(iq1_m_d(block));
  for (int k = 0; k < 32; ++k) {
    const int bits = (block.scales[k / 8] >> (3 * (k / 2 % 4))) & 7;
    const float scale = d * static_cast<float>(2 * bits + 1);
    const int high = (block.qh[k / 2] >> (4 * (k % 2))) & 0x0f;
    const float delta = high & 8 ? -kIq1Delta : kIq1Delta;
    const int8_t* digits = kIq1Grid.entry[block.qs[k] | ((high & 7) << 8)];
    for (int i = 0; i < 8; ++i) out[8 * k + i] = scale * (static_cast<float>(digits[i]) + delta);
  }
}

/// See QuantFormat::encode.
void encode_iq1_m(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
