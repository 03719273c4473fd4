// Sixteen rows of weights side by side: what the files of lanes/ need of AVX-512 with VNNI.
#pragma once

#include "backend/cpu/avx512/words.h"

namespace ondol::cpu::avx512 {
namespace {

/// Element r of a vector belongs to row r.
constexpr int kLanes = 16;

/// Whether this instruction set may come with matrix instructions (lanes/tiles.inl).
constexpr bool kMayHaveTiles = true;
/// Columns that are summed up side by side, so that their chains of additions hide one another's latency.
constexpr int kColumnsAtOnce = 8;
/// Groups of lanes that share what is loaded of x.
constexpr int kGroupsAtOnce = 2;

inline Floats splat(float x) {
  return (Floats)_mm512_set1_ps(x);
}
inline void store(float* p, Floats x) {
  _mm512_storeu_ps(p, (__m512)x);
}

/// To and from 64-byte aligned panels.
inline void store_words(uint8_t* p, Words x) {
  _mm512_store_si512(p, (__m512i)x);
}
inline Words load_words(const uint8_t* p) {
  return (Words)_mm512_load_si512(p);
}

// Not an intrinsic: GCC 12 believes that functions which only prefetch do nothing, and drops calls of them.
inline void prefetch(const uint8_t* p) {
  asm volatile("prefetcht0 %0" : : "m"(*p));
}

/// Into the second-level cache.
inline void prefetch_far(const uint8_t* p) {
  asm volatile("prefetcht1 %0" : : "m"(*p));
}

/// The 16 bytes at p + r * stride of all rows r: out[j] holds their bytes 4 j to 4 j + 3.
inline __attribute__((always_inline)) void load16(const uint8_t* p, size_t stride, Words (&out)[4]) {
  __m512i rows[4];
  for (size_t i = 0; i < 4; ++i) {
    const uint8_t* row = p + i * stride;
    __m512i v = _mm512_castsi128_si512(_mm_loadu_si128(reinterpret_cast<const __m128i*>(row)));
    v = _mm512_inserti32x4(v, _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + 4 * stride)), 1);
    v = _mm512_inserti32x4(v, _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + 8 * stride)), 2);
    rows[i] = _mm512_inserti32x4(v, _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + 12 * stride)), 3);
  }
  const __m512i a = _mm512_unpacklo_epi32(rows[0], rows[1]);
  const __m512i b = _mm512_unpackhi_epi32(rows[0], rows[1]);
  const __m512i c = _mm512_unpacklo_epi32(rows[2], rows[3]);
  const __m512i d = _mm512_unpackhi_epi32(rows[2], rows[3]);
  out[0] = (Words)_mm512_unpacklo_epi64(a, c);
  out[1] = (Words)_mm512_unpackhi_epi64(a, c);
  out[2] = (Words)_mm512_unpacklo_epi64(b, d);
  out[3] = (Words)_mm512_unpackhi_epi64(b, d);
}

/// The same for bytes that become Group::w.
inline __attribute__((always_inline)) void load_codes(const uint8_t* p, size_t stride, Words (&out)[4]) {
  load16(p, stride, out);
}

/// The 4 bytes at p + r * stride of all rows.
inline Words load4(const uint8_t* p, size_t stride) {
  const __m512i rows = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i offsets = _mm512_mullo_epi32(rows, _mm512_set1_epi32(static_cast<int>(stride)));
  return (Words)_mm512_i32gather_epi32(offsets, p, 1);
}

/// 0xff in byte b of every word in which bit 4 j + b is set, else 0.
template <int j>
inline Words spread_bits(Words bits) {
  const __m512i first_byte = _mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);
  const __m512i source = _mm512_or_si512(first_byte, _mm512_set1_epi8(j / 2));
  const __m512i bytes = _mm512_shuffle_epi8((__m512i)bits, source);
  const __m512i mask = _mm512_set1_epi32(j % 2 == 0 ? 0x08040201 : static_cast<int>(0x80402010));
  return (Words)_mm512_movm_epi8(_mm512_test_epi8_mask(bytes, mask));
}

/// sums[c][g] += the products of n words of each group and column c's bytes. Group g's words lie at
/// weights + g * apart, column c's bytes for word j at x + (j * width + c) * 4.
template <int max_weight, int n, int n_columns, int n_groups>
inline __attribute__((always_inline)) void add_group(Ints (&sums)[n_columns][n_groups], const uint8_t* weights,
                                                     size_t apart, const int8_t* x, int width) {
// Unrolled, it makes the compiler load all words before they are wanted, and run out of registers.
#pragma GCC unroll 1
  for (int j = 0; j < n; ++j) {
    Words w[n_groups];
    for (int g = 0; g < n_groups; ++g) w[g] = load_words(weights + g * apart + j * sizeof(Words));
#pragma GCC unroll 8
    for (int c = 0; c < n_columns; ++c) {
      int32_t four;
      __builtin_memcpy(&four, x + (j * width + c) * 4, sizeof(four));
      const __m512i fours = _mm512_set1_epi32(four);
      for (int g = 0; g < n_groups; ++g) {
        sums[c][g] = (Ints)_mm512_dpbusd_epi32((__m512i)sums[c][g], (__m512i)w[g], fours);
      }
    }
  }
}

}  // namespace
}  // namespace ondol::cpu::avx512
