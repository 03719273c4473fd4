// Lanes: four floats handled together. The searches of the encoders try four candidates at a time with them.
//
// Plain vector extensions at the width that every supported processor has, so results are the same everywhere.
#pragma once

#include <cstdint>

namespace ondol {

using Lanes = float __attribute__((vector_size(16)));
using LaneMask = int32_t __attribute__((vector_size(16)));

static inline Lanes lanes(float value) {
  return Lanes{value, value, value, value};
}
static inline Lanes lanes_load(const float* values) {
  Lanes result;
  __builtin_memcpy(&result, values, sizeof(result));
  return result;
}

static inline float lanes_sum(Lanes value) {
  return (value[0] + value[1]) + (value[2] + value[3]);
}
static inline Lanes lanes_min(Lanes a, Lanes b) {
  return a < b ? a : b;
}
static inline Lanes lanes_max(Lanes a, Lanes b) {
  return a > b ? a : b;
}

/// To the nearest integer, ties to even. |value| must be below 2^22.
static inline Lanes lanes_round(Lanes value) {
  const Lanes magic = lanes(12582912.0f);
  return (value + magic) - magic;
}

/// The lane with the smallest value, the first of equals.
static inline int lanes_argmin(Lanes value) {
  int best = 0;
  for (int i = 1; i < 4; ++i) best = value[i] < value[best] ? i : best;
  return best;
}

}  // namespace ondol
