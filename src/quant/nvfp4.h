// NVFP4: 4 sub-blocks of 16 values of FP4 (E2M1), each with a UE4M3 scale. 4.5 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"
#include "quant/mxfp4.h"

namespace ondol {

struct BlockNVFP4 {
  uint8_t d[4];    // scale of sub-block j, UE4M3
  uint8_t qs[32];  // 8 bytes per sub-block: elements 0..7 in the low nibbles, 8..15 in the high ones
};
static_assert(sizeof(BlockNVFP4) == 36);

static inline void decode_block(const BlockNVFP4& block, float* out) {
  for (int j = 0; j < 4; ++j) {
    const float d = ue4m3_half_to_f32(block.d[j]);
    const uint8_t* qs = block.qs + 8 * j;
    for (int i = 0; i < 8; ++i) {
      out[16 * j + i] = d * static_cast<float>(kFp4Doubled[qs[i] & 0x0f]);
      out[16 * j + i + 8] = d * static_cast<float>(kFp4Doubled[qs[i] >> 4]);
    }
  }
}

/// See QuantFormat::encode.
void encode_nvfp4(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
