// Q8_0: 32 values of 8 bits with one scale, value = d * q. 8.5 bits per weight.
#pragma once

#include <cstdint>

#include "quant/half.h"

namespace ondol {

struct BlockQ8_0 {
  uint16_t d;     // scale, F16
  int8_t qs[32];  // q of element i
};
static_assert(sizeof(BlockQ8_0) == 34);

static inline void decode_block(const BlockQ8_0& block, float* out) {
  const float d = f16_to_f32(block.d);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(block.qs[i]);
}

/// See QuantFormat::encode.
void encode_q8_0(const float* values, const float* importance, void* blocks, int64_t n);

}  // namespace ondol
