// Vectors of floats as the files of simd/ use them: 4 lanes of Neon.
#pragma once

#include <arm_neon.h>

#include "backend/cpu/kernels.h"

#define ONDOL_ISA neon

namespace ondol::cpu::neon {
namespace {

using F = float32x4_t;
constexpr int kLanes = 4;
/// Vectors of queries, and rows, in the tile of attention's products: they fill the 32 registers.
constexpr int kTileVectors = 4;
constexpr int kTileRows = 6;
/// Keys that attention of few queries multiplies at a time, and vectors of a value row that it sums up at a time, for
/// up to four queries.
constexpr int kKeys = 4;
constexpr int kValueVectors = 4;

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
inline F max(F a, F b) {
  return vmaxq_f32(a, b);
}
inline F min(F a, F b) {
  return vminq_f32(a, b);
}
inline F abs(F x) {
  return vabsq_f32(x);
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
inline float largest(F x) {
  return vmaxvq_f32(x);
}

/// a < b ? x : y, lane by lane.
inline F if_less(F a, F b, F x, F y) {
  return vbslq_f32(vcltq_f32(a, b), x, y);
}
/// |x| with the sign of s.
inline F with_sign_of(F x, F s) {
  return vbslq_f32(vdupq_n_u32(0x80000000u), s, x);
}
inline F nearest(F x) {
  return vrndnq_f32(x);
}
/// x * 2^n for whole n whose result is a normal number.
inline F times_power_of_two(F x, F n) {
  return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(x), vshlq_n_s32(vcvtnq_s32_f32(n), 23)));
}

/// out[i] = sum of v[i].
inline void store_sums(float* out, const F (&v)[4]) {
  store(out, vpaddq_f32(vpaddq_f32(v[0], v[1]), vpaddq_f32(v[2], v[3])));
}

inline F load_f16(const uint8_t* p) {
  return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)));
}
/// kLanes BF16 numbers.
inline F load_bf16(const uint8_t* p) {
  return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(p)), 16));
}
inline void store_f16(uint8_t* p, F x) {
  vst1_u8(p, vreinterpret_u8_f16(vcvt_f16_f32(x)));
}
inline float f16_to_float(uint16_t half) {
  return static_cast<float>(__builtin_bit_cast(__fp16, half));
}
inline uint16_t float_to_f16(float x) {
  return __builtin_bit_cast(uint16_t, static_cast<__fp16>(x));
}

inline int32x4_t widen(int8x8_t bytes) {
  return vmovl_s16(vget_low_s16(vmovl_s8(bytes)));
}
inline int8x8_t load_4_bytes(const uint8_t* p) {
  uint32_t word;
  __builtin_memcpy(&word, p, sizeof(word));
  return vreinterpret_s8_u32(vdup_n_u32(word));
}
/// kLanes signed bytes.
inline F load_i8(const uint8_t* p) {
  return vcvtq_f32_s32(widen(load_4_bytes(p)));
}
/// kLanes bytes, to nearest; what lies outside [-128, 127] is saturated.
inline void store_i8(uint8_t* p, F x) {
  const int16x4_t words = vqmovn_s32(vcvtnq_s32_f32(x));
  const int8x8_t bytes = vqmovn_s16(vcombine_s16(words, words));
  const uint32_t word = vget_lane_u32(vreinterpret_u32_s8(bytes), 0);
  __builtin_memcpy(p, &word, sizeof(word));
}
/// The low or high nibbles of kLanes bytes, less 8.
inline F load_nibbles(const uint8_t* p, bool high) {
  const uint8x8_t bytes = vreinterpret_u8_s8(load_4_bytes(p));
  const uint8x8_t codes = high ? vshr_n_u8(bytes, 4) : vand_u8(bytes, vdup_n_u8(15));
  return vcvtq_f32_s32(widen(vsub_s8(vreinterpret_s8_u8(codes), vdup_n_s8(8))));
}

/// The Hadamard matrix of order kLanes, not normalised, times x: each stage adds the lanes whose numbers differ in one
/// bit, or takes one from the other.
inline F hadamard_of_lanes(F x) {
  const uint32x4_t odd = {0, ~0u, 0, ~0u};
  const uint32x4_t upper = {0, 0, ~0u, ~0u};
  F y = vrev64q_f32(x);
  x = vbslq_f32(odd, y - x, x + y);
  y = vextq_f32(x, x, 2);
  return vbslq_f32(upper, y - x, x + y);
}

/// Rotates kLanes neighbouring pairs.
inline void rotate_pairs(float* x, F cosines, F sines) {
  const float32x4x2_t pairs = vld2q_f32(x);
  float32x4x2_t turned;
  turned.val[0] = vfmsq_f32(vmulq_f32(pairs.val[0], cosines), pairs.val[1], sines);
  turned.val[1] = vfmaq_f32(vmulq_f32(pairs.val[1], cosines), pairs.val[0], sines);
  vst2q_f32(x, turned);
}

}  // namespace
}  // namespace ondol::cpu::neon
