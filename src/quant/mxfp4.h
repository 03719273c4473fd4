// MXFP4 (OCP Microscaling Formats 1.0): 32 values of FP4 (E2M1) with a power of two as the scale. 4.25 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"

namespace ondol {

/// Twice the values of FP4 (E2M1), so that they are integers; bit 3 is the sign. Shared with NVFP4.
constexpr int8_t kFp4Doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

struct BlockMXFP4 {
  uint8_t e;       // scale 2^(e - 127)
  uint8_t qs[16];  // elements 0..15 in the low nibbles, 16..31 in the high ones
};
static_assert(sizeof(BlockMXFP4) == 17);

static inline void decode_block(const BlockMXFP4& block, float* out) {
  const float d = e8m0_half_to_f32(block.e);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(kFp4Doubled[block.qs[i] & 0x0f]);
    out[i + 16] = d * static_cast<float>(kFp4Doubled[block.qs[i] >> 4]);
  }
}

/// See QuantFormat::encode.
void encode_mxfp4(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
