// Eight rows of weights side by side: what the files of lanes/ need of AVX2.
#pragma once

#include "backend/cpu/avx2/words.h"

namespace ondol::cpu::ONDOL_ISA {
namespace {

/// Element r of a vector belongs to row r.
constexpr int kLanes = 8;

/// Whether this instruction set may come with matrix instructions (lanes/tiles.inl).
constexpr bool kMayHaveTiles = false;
/// Columns that are summed up side by side, so that their chains of additions hide one another's latency.
constexpr int kColumnsAtOnce = 4;
/// Groups of lanes that share what is loaded of x.
constexpr int kGroupsAtOnce = 2;

inline Floats splat(float x) {
  return (Floats)_mm256_set1_ps(x);
}
inline void store(float* p, Floats x) {
  _mm256_storeu_ps(p, (__m256)x);
}

/// To and from 64-byte aligned panels.
inline void store_words(uint8_t* p, Words x) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(p), (__m256i)x);
}
inline Words load_words(const uint8_t* p) {
  return (Words)_mm256_load_si256(reinterpret_cast<const __m256i*>(p));
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
  __m256i rows[4];
  for (size_t i = 0; i < 4; ++i) {
    const auto* row = reinterpret_cast<const __m128i*>(p + i * stride);
    const auto* other = reinterpret_cast<const __m128i*>(p + (i + 4) * stride);
    rows[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(row)), _mm_loadu_si128(other), 1);
  }
  const __m256i a = _mm256_unpacklo_epi32(rows[0], rows[1]);
  const __m256i b = _mm256_unpackhi_epi32(rows[0], rows[1]);
  const __m256i c = _mm256_unpacklo_epi32(rows[2], rows[3]);
  const __m256i d = _mm256_unpackhi_epi32(rows[2], rows[3]);
  out[0] = (Words)_mm256_unpacklo_epi64(a, c);
  out[1] = (Words)_mm256_unpackhi_epi64(a, c);
  out[2] = (Words)_mm256_unpacklo_epi64(b, d);
  out[3] = (Words)_mm256_unpackhi_epi64(b, d);
}

/// The same for bytes that become Group::w.
inline __attribute__((always_inline)) void load_codes(const uint8_t* p, size_t stride, Words (&out)[4]) {
  load16(p, stride, out);
}

/// The 4 bytes at p + r * stride of all rows. Gathers are slower than this on most processors without AVX-512.
inline Words load4(const uint8_t* p, size_t stride) {
  uint32_t rows[kLanes];
  for (size_t r = 0; r < kLanes; ++r) __builtin_memcpy(&rows[r], p + r * stride, sizeof(rows[r]));
  return Words{rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], rows[6], rows[7]};
}

/// 0xff in byte b of every word in which bit 4 j + b is set, else 0.
template <int j>
inline Words spread_bits(Words bits) {
  const __m256i first_byte =
      _mm256_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c, 0, 0x04040404, 0x08080808, 0x0c0c0c0c);
  const __m256i source = _mm256_or_si256(first_byte, _mm256_set1_epi8(j / 2));
  const __m256i mask = _mm256_set1_epi32(j % 2 == 0 ? 0x08040201 : static_cast<int>(0x80402010));
  const __m256i bytes = _mm256_and_si256(_mm256_shuffle_epi8((__m256i)bits, source), mask);
  return (Words)_mm256_cmpeq_epi8(bytes, mask);
}

inline __m256i splat4(const int8_t* x) {
  int32_t four;
  __builtin_memcpy(&four, x, sizeof(four));
  return _mm256_set1_epi32(four);
}

/// sums[c][g] += the products of n words of each group and column c's bytes. Group g's words lie at
/// weights + g * apart, column c's bytes for word j at x + (j * width + c) * 4.
#ifdef __AVXVNNI__
template <int max_weight, int n, int n_columns, int n_groups>
inline __attribute__((always_inline)) void add_group(Ints (&sums)[n_columns][n_groups], const uint8_t* weights,
                                                     size_t apart, const int8_t* x, int width) {
#pragma GCC unroll 8
  for (int j = 0; j < n; ++j) {
    Words w[n_groups];
    for (int g = 0; g < n_groups; ++g) w[g] = load_words(weights + g * apart + j * sizeof(Words));
#pragma GCC unroll 8
    for (int c = 0; c < n_columns; ++c) {
      const __m256i four = splat4(x + (j * width + c) * 4);
      for (int g = 0; g < n_groups; ++g) {
        sums[c][g] = (Ints)_mm256_dpbusd_avx_epi32((__m256i)sums[c][g], (__m256i)w[g], four);
      }
    }
  }
}
#else
template <int max_weight, int n, int n_columns, int n_groups>
inline __attribute__((always_inline)) void add_group(Ints (&sums)[n_columns][n_groups], const uint8_t* weights,
                                                     size_t apart, const int8_t* x, int width) {
  // Pairs of products are summed up in 16 bits while no sum can overflow.
  constexpr int kChain = kPairs<max_weight> < n ? kPairs<max_weight> : n;
  const __m256i ones = _mm256_set1_epi16(1);
  for (int first = 0; first < n; first += kChain) {
    for (int c = 0; c < n_columns; ++c) {
      __m256i pairs[n_groups];
      for (int j = first; j < first + kChain; ++j) {
        const __m256i four = splat4(x + (j * width + c) * 4);
        for (int g = 0; g < n_groups; ++g) {
          const auto w = (__m256i)load_words(weights + g * apart + j * sizeof(Words));
          const __m256i products = pairs_of_products<max_weight>(w, four);
          pairs[g] = j == first ? products : _mm256_add_epi16(pairs[g], products);
        }
      }
      for (int g = 0; g < n_groups; ++g) sums[c][g] += (Ints)_mm256_madd_epi16(pairs[g], ones);
    }
  }
}
#endif

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
