// The vectors of AVX2 that lanes.h and strips.h share. With AVX-VNNI enabled in the including file, which then has
// another namespace (ONDOL_ISA), products use it.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#ifndef ONDOL_ISA
#define ONDOL_ISA avx2
#endif

namespace ondol::cpu::ONDOL_ISA {
namespace {

// Words hold four neighbouring weights of a row, one in each byte.
using Words = uint32_t __attribute__((vector_size(32)));
using Ints = int32_t __attribute__((vector_size(32)));
using Floats = float __attribute__((vector_size(32)));

#ifdef __AVXVNNI__
/// vpdpbusd wants unsigned weights: formats whose weights are signed bytes add this, and it is their zero point.
constexpr int kSignedOffset = 128;
#else
constexpr int kSignedOffset = 0;
#endif

inline Floats fma(Floats a, Floats b, Floats c) {
  return (Floats)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
inline Floats to_floats(Ints x) {
  return (Floats)_mm256_cvtepi32_ps((__m256i)x);
}

/// The F16 in the low half of each word.
inline Floats half_to_floats(Words x) {
  const __m256i low = (__m256i)(x & 0xffffu);
  const __m128i halves = _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
  return (Floats)_mm256_cvtph_ps(halves);
}

/// table[byte] for all bytes, which must be below 16.
inline Words look_up(const int8_t (&table)[16], Words bytes) {
  const __m128i t = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return (Words)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(t), (__m256i)bytes);
}

#ifndef __AVXVNNI__
/// Sums of pairs of products of weights, signed if max_weight is 0, and x.
template <int max_weight>
inline __m256i pairs_of_products(__m256i weights, __m256i x) {
  if constexpr (max_weight == 0) return _mm256_maddubs_epi16(_mm256_abs_epi8(weights), _mm256_sign_epi8(x, weights));
  return _mm256_maddubs_epi16(weights, x);
}

/// How many such sums can be added in 16 bits: x is at most 127.
template <int max_weight>
constexpr int kPairs = max_weight == 0 ? 1 : 32767 / (2 * 127 * max_weight);
#endif

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
