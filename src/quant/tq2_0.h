// TQ2_0: 256 values of -1, 0, 1 with one scale, 2 bits each (the fourth code reads as 2). 2.0625 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"

namespace ondol {

struct BlockTQ2_0 {
  uint8_t qs[64];  // element e: byte 32 * (e / 128) + e % 32, bits 2 * (e % 128 / 32) and up; value + 1
  uint16_t d;      // scale, F16
};
static_assert(sizeof(BlockTQ2_0) == 66);

static inline void decode_block(const BlockTQ2_0& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int e = 0; e < 256; ++e) {
    const int code = (block.qs[32 * (e / 128) + e % 32] >> (2 * (e % 128 / 32))) & 3;
    out[e] = d * static_cast<float>(code - 1);
  }
}

/// See QuantFormat::encode.
void encode_tq2_0(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
