// Vectors of floats as the files of simd/ use them: 8 lanes of AVX2.
#pragma once

#include <immintrin.h>

#include "backend/cpu/kernels.h"

#define ONDOL_ISA avx2

namespace ondol::cpu::avx2 {
namespace {

using F = __m256;
constexpr int kLanes = 8;

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

}  // namespace
}  // namespace ondol::cpu::avx2
