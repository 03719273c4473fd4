// Vectors of floats as the files of simd/ use them: 16 lanes of AVX-512.
#pragma once

#include <immintrin.h>

#include "backend/cpu/kernels.h"

#define ONDOL_ISA avx512

namespace ondol::cpu::avx512 {
namespace {

using F = __m512;
constexpr int kLanes = 16;
/// Vectors of queries, and rows, in the tile of attention's products: they fill the 32 registers.
constexpr int kTileVectors = 4;
constexpr int kTileRows = 6;
/// Keys that attention of few queries multiplies at a time, and vectors of a value row that it sums up at a time, for
/// up to four queries.
constexpr int kKeys = 4;
constexpr int kValueVectors = 4;

inline F zero() {
  return _mm512_setzero_ps();
}
inline F splat(float x) {
  return _mm512_set1_ps(x);
}
inline F load(const float* p) {
  return _mm512_loadu_ps(p);
}
inline void store(float* p, F x) {
  _mm512_storeu_ps(p, x);
}
inline F fma(F a, F b, F c) {
  return _mm512_fmadd_ps(a, b, c);
}
inline F max(F a, F b) {
  return _mm512_max_ps(a, b);
}
inline F min(F a, F b) {
  return _mm512_min_ps(a, b);
}
inline F abs(F x) {
  return _mm512_abs_ps(x);
}

inline __mmask16 first_lanes(int n) {
  return static_cast<__mmask16>((1u << n) - 1u);
}
/// The first n < kLanes floats, then zeros.
inline F load_part(const float* p, int n) {
  return _mm512_maskz_loadu_ps(first_lanes(n), p);
}
inline void store_part(float* p, F x, int n) {
  _mm512_mask_storeu_ps(p, first_lanes(n), x);
}

inline float sum(F x) {
  return _mm512_reduce_add_ps(x);
}
inline float largest(F x) {
  return _mm512_reduce_max_ps(x);
}

/// a < b ? x : y, lane by lane.
inline F if_less(F a, F b, F x, F y) {
  return _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), x);
}
/// |x| with the sign of s.
inline F with_sign_of(F x, F s) {
  return _mm512_castsi512_ps(
      _mm512_ternarylogic_epi32(_mm512_set1_epi32(0x7fffffff), _mm512_castps_si512(x), _mm512_castps_si512(s), 0xca));
}
inline F nearest(F x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/// x * 2^n for whole n whose result is a normal number.
inline F times_power_of_two(F x, F n) {
  return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(x), _mm512_slli_epi32(_mm512_cvtps_epi32(n), 23)));
}

/// out[i] = sum of v[i].
inline void store_sums(float* out, const F (&v)[4]) {
  const F ab = _mm512_unpacklo_ps(v[0], v[1]) + _mm512_unpackhi_ps(v[0], v[1]);
  const F cd = _mm512_unpacklo_ps(v[2], v[3]) + _mm512_unpackhi_ps(v[2], v[3]);
  const F abcd = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd))) +
                 _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd)));
  const __m256 half = _mm512_castps512_ps256(abcd) + _mm512_extractf32x8_ps(abcd, 1);
  _mm_storeu_ps(out, _mm256_castps256_ps128(half) + _mm256_extractf128_ps(half, 1));
}

inline F load_f16(const uint8_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
/// kLanes BF16 numbers.
inline F load_bf16(const uint8_t* p) {
  const __m512i halves = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return _mm512_castsi512_ps(_mm512_slli_epi32(halves, 16));
}
inline void store_f16(uint8_t* p, F x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}
inline float f16_to_float(uint16_t half) {
  return _cvtsh_ss(half);
}
inline uint16_t float_to_f16(float x) {
  return _cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT);
}

/// kLanes signed bytes.
inline F load_i8(const uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
/// kLanes bytes, to nearest; what lies outside [-128, 127] is saturated.
inline void store_i8(uint8_t* p, F x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(x)));
}
/// The low or high nibbles of kLanes bytes, less 8.
inline F load_nibbles(const uint8_t* p, bool high) {
  const __m512i bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  const __m512i codes = high ? _mm512_srli_epi32(bytes, 4) : _mm512_and_si512(bytes, _mm512_set1_epi32(15));
  return _mm512_cvtepi32_ps(_mm512_sub_epi32(codes, _mm512_set1_epi32(8)));
}

/// The Hadamard matrix of order kLanes, not normalised, times x: each stage adds the lanes whose numbers differ in one
/// bit, or takes one from the other.
inline F hadamard_of_lanes(F x) {
  F y = _mm512_permute_ps(x, 0xb1);
  x = _mm512_mask_sub_ps(x + y, 0xaaaa, y, x);
  y = _mm512_permute_ps(x, 0x4e);
  x = _mm512_mask_sub_ps(x + y, 0xcccc, y, x);
  y = _mm512_shuffle_f32x4(x, x, 0xb1);
  x = _mm512_mask_sub_ps(x + y, 0xf0f0, y, x);
  y = _mm512_shuffle_f32x4(x, x, 0x4e);
  return _mm512_mask_sub_ps(x + y, 0xff00, y, x);
}

/// Rotates kLanes neighbouring pairs.
inline void rotate_pairs(float* x, F cosines, F sines) {
  const __m512i low = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
  const __m512i halves[] = {low, high};
  for (int i = 0; i < 2; ++i) {
    const F pairs = load(x + i * kLanes);
    const F swapped = _mm512_permute_ps(pairs, 0xb1);
    const F crossed = swapped * _mm512_permutexvar_ps(halves[i], sines);
    store(x + i * kLanes, _mm512_fmaddsub_ps(pairs, _mm512_permutexvar_ps(halves[i], cosines), crossed));
  }
}

}  // namespace
}  // namespace ondol::cpu::avx512
