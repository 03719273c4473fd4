// Vectors of floats as the files of simd/ use them: 16 lanes of AVX-512.
#pragma once

#include <immintrin.h>

#include "backend/cpu/kernels.h"

#define ONDOL_ISA avx512

namespace ondol::cpu::avx512 {
namespace {

using F = __m512;
constexpr int kLanes = 16;

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

}  // namespace
}  // namespace ondol::cpu::avx512
