// Vectors of floats as the files of simd/ use them: 4 lanes of Neon.
#pragma once

#include <arm_neon.h>

#include "backend/cpu/kernels.h"

#define ONDOL_ISA neon

namespace ondol::cpu::neon {
namespace {

using F = float32x4_t;
constexpr int kLanes = 4;

inline F zero() {
  return vdupq_n_f32(0.0f);
}
inline F splat(float x) {
  return vdupq_n_f32(x);
}
inline F load(const float* p) {
  return vld1q_f32(p);
}
inline void store(float* p, F x) {
  vst1q_f32(p, x);
}
inline F fma(F a, F b, F c) {
  return vfmaq_f32(c, a, b);
}

/// The first n < kLanes floats, then zeros.
inline F load_part(const float* p, int n) {
  float lanes[kLanes] = {};
  for (int i = 0; i < n; ++i) lanes[i] = p[i];
  return load(lanes);
}
inline void store_part(float* p, F x, int n) {
  float lanes[kLanes];
  store(lanes, x);
  for (int i = 0; i < n; ++i) p[i] = lanes[i];
}

inline float sum(F x) {
  return vaddvq_f32(x);
}

}  // namespace
}  // namespace ondol::cpu::neon
