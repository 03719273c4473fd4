// The vectors of AVX-512 with VNNI that lanes.h and strips.h share.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define ONDOL_ISA avx512

namespace ondol::cpu::avx512 {
namespace {

// Words hold four neighbouring weights of a row, one in each byte.
using Words = uint32_t __attribute__((vector_size(64)));
using Ints = int32_t __attribute__((vector_size(64)));
using Floats = float __attribute__((vector_size(64)));

/// vpdpbusd wants unsigned weights: formats whose weights are signed bytes add this, and it is their zero point.
constexpr int kSignedOffset = 128;

inline Floats fma(Floats a, Floats b, Floats c) {
  return (Floats)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
inline Floats to_floats(Ints x) {
  return (Floats)_mm512_cvtepi32_ps((__m512i)x);
}

/// The F16 in the low half of each word.
inline Floats half_to_floats(Words x) {
  return (Floats)_mm512_cvtph_ps(_mm512_cvtepi32_epi16((__m512i)x));
}

/// table[byte] for all bytes, which must be below 16.
inline Words look_up(const int8_t (&table)[16], Words bytes) {
  const __m128i t = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return (Words)_mm512_shuffle_epi8(_mm512_broadcast_i32x4(t), (__m512i)bytes);
}

}  // namespace
}  // namespace ondol::cpu::avx512
