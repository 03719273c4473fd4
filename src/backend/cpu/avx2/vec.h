// Vectors of floats as the files of simd/ use them: 8 lanes of AVX2.
#pragma once

#include <immintrin.h>

#include "backend/cpu/kernels.h"

#define ONDOL_ISA avx2

namespace ondol::cpu::avx2 {
namespace {

using F = __m256;
constexpr int kLanes = 8;
/// Vectors of queries, and rows, in the tile of attention's products: they fill the 16 registers.
constexpr int kTileVectors = 2;
constexpr int kTileRows = 6;
/// Keys that attention of few queries multiplies at a time, and vectors of a value row that it sums up at a time, for
/// up to four queries.
constexpr int kKeys = 2;
constexpr int kValueVectors = 2;

inline F zero() {
  return _mm256_setzero_ps();
}
inline F splat(float x) {
  return _mm256_set1_ps(x);
}
inline F load(const float* p) {
  return _mm256_loadu_ps(p);
}
inline void store(float* p, F x) {
  _mm256_storeu_ps(p, x);
}
inline F fma(F a, F b, F c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline F max(F a, F b) {
  return _mm256_max_ps(a, b);
}
inline F min(F a, F b) {
  return _mm256_min_ps(a, b);
}
inline F abs(F x) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

/// Ones in the first n lanes.
inline __m256i first_lanes(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
/// The first n < kLanes floats, then zeros.
inline F load_part(const float* p, int n) {
  return _mm256_maskload_ps(p, first_lanes(n));
}
inline void store_part(float* p, F x, int n) {
  _mm256_maskstore_ps(p, first_lanes(n), x);
}

inline float sum(F x) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
inline float largest(F x) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

/// a < b ? x : y, lane by lane.
inline F if_less(F a, F b, F x, F y) {
  return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
/// |x| with the sign of s.
inline F with_sign_of(F x, F s) {
  const F sign = _mm256_set1_ps(-0.0f);
  return _mm256_or_ps(_mm256_andnot_ps(sign, x), _mm256_and_ps(sign, s));
}
inline F nearest(F x) {
  return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/// x * 2^n for whole n whose result is a normal number.
inline F times_power_of_two(F x, F n) {
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23)));
}

/// out[i] = sum of v[i].
inline void store_sums(float* out, const F (&v)[4]) {
  const F abcd = _mm256_hadd_ps(_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
  _mm_storeu_ps(out, _mm256_castps256_ps128(abcd) + _mm256_extractf128_ps(abcd, 1));
}

inline F load_f16(const uint8_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
/// kLanes BF16 numbers.
inline F load_bf16(const uint8_t* p) {
  const __m256i halves = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return _mm256_castsi256_ps(_mm256_slli_epi32(halves, 16));
}
inline void store_f16(uint8_t* p, F x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}
inline float f16_to_float(uint16_t half) {
  return _cvtsh_ss(half);
}
inline uint16_t float_to_f16(float x) {
  return _cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT);
}

/// kLanes signed bytes.
inline F load_i8(const uint8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
/// kLanes bytes, to nearest; what lies outside [-128, 127] is saturated.
inline void store_i8(uint8_t* p, F x) {
  const __m256i whole = _mm256_cvtps_epi32(x);
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(words, words));
}
/// The low or high nibbles of kLanes bytes, less 8.
inline F load_nibbles(const uint8_t* p, bool high) {
  const __m256i bytes = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  const __m256i codes = high ? _mm256_srli_epi32(bytes, 4) : _mm256_and_si256(bytes, _mm256_set1_epi32(15));
  return _mm256_cvtepi32_ps(_mm256_sub_epi32(codes, _mm256_set1_epi32(8)));
}

/// The Hadamard matrix of order kLanes, not normalised, times x: each stage adds the lanes whose numbers differ in one
/// bit, or takes one from the other.
inline F hadamard_of_lanes(F x) {
  F y = _mm256_permute_ps(x, 0xb1);
  x = _mm256_blend_ps(x + y, y - x, 0xaa);
  y = _mm256_permute_ps(x, 0x4e);
  x = _mm256_blend_ps(x + y, y - x, 0xcc);
  y = _mm256_permute2f128_ps(x, x, 1);
  return _mm256_blend_ps(x + y, y - x, 0xf0);
}

/// Rotates kLanes neighbouring pairs.
inline void rotate_pairs(float* x, F cosines, F sines) {
  const __m256i low = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
  const __m256i halves[] = {low, _mm256_add_epi32(low, _mm256_set1_epi32(4))};
  for (int i = 0; i < 2; ++i) {
    const F pairs = load(x + i * kLanes);
    const F crossed = _mm256_permute_ps(pairs, 0xb1) * _mm256_permutevar8x32_ps(sines, halves[i]);
    store(x + i * kLanes, _mm256_fmaddsub_ps(pairs, _mm256_permutevar8x32_ps(cosines, halves[i]), crossed));
  }
}

}  // namespace
}  // namespace ondol::cpu::avx2
