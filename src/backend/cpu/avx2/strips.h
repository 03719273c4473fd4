// Two rows of weights, sixteen neighbouring bytes of each: what the files of strips/ need of AVX2.
#pragma once

#include "backend/cpu/avx2/words.h"

namespace ondol::cpu::ONDOL_ISA {
namespace {

/// Words 4 r to 4 r + 3 of a vector belong to row r.
constexpr int kStripRows = 2;

inline void prefetch(const uint8_t* p) {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0);
}

inline Words four_words(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return Words{a, b, c, d, a, b, c, d};
}

/// The 16 bytes at p + r * stride of all rows r.
inline Words load16(const uint8_t* p, size_t stride) {
  const __m128i row = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i other = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + stride));
  return (Words)_mm256_inserti128_si256(_mm256_castsi128_si256(row), other, 1);
}

/// Four numbers, the same for all rows.
inline Floats load_quartet(const float* p) {
  return (Floats)_mm256_broadcast_ps(reinterpret_cast<const __m128*>(p));
}
inline Ints load_quartet(const int32_t* p) {
  return (Ints)_mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

/// Number i / 2 of each row's four in its word i; or, if v is 1, number 2 + i / 2.
template <int v>
inline Floats twice_each(Floats x) {
  constexpr auto kOrder = v == 0 ? 0b01010000 : 0b11111010;
  return (Floats)_mm256_permute_ps((__m256)x, kOrder);
}

/// Word i of each row in all of its words.
template <int i>
inline Words word_at(Words v) {
  return (Words)_mm256_shuffle_epi32((__m256i)v, i * 0b01010101);
}

/// Bytes a, b, c and d of each row's sixteen, as its words.
template <int a, int b, int c, int d>
inline Words pick_bytes(Words v) {
  constexpr uint32_t kNothing = 0x80808000;
  return (Words)_mm256_shuffle_epi8((__m256i)v,
                                    (__m256i)four_words(kNothing | a, kNothing | b, kNothing | c, kNothing | d));
}

/// Bytes b to b + 3 of each row's sixteen as signed numbers.
template <int b>
inline Ints signed_bytes_from(Words v) {
  constexpr uint32_t kHigh[] = {uint32_t{b} << 24 | 0x808080u, uint32_t{b + 1} << 24 | 0x808080u,
                                uint32_t{b + 2} << 24 | 0x808080u, uint32_t{b + 3} << 24 | 0x808080u};
  const auto order = (__m256i)four_words(kHigh[0], kHigh[1], kHigh[2], kHigh[3]);
  return (Ints)_mm256_srai_epi32(_mm256_shuffle_epi8((__m256i)v, order), 24);
}

/// The F16 at byte `at` of each row's sixteen, in all of its words.
template <int at>
inline Floats half_at(Words v) {
  return half_to_floats(word_at<at / 4>(v) >> (at % 4 * 8));
}

/// 0xff in byte b of each row if bit 16 h + b of its words is set, else 0. All words of a row are the same.
template <int h>
inline Words spread_bits(Words bits) {
  constexpr uint32_t kFirst = 2 * h * 0x01010101u;
  constexpr uint32_t kSecond = (2 * h + 1) * 0x01010101u;
  const __m256i bytes = _mm256_shuffle_epi8((__m256i)bits, (__m256i)four_words(kFirst, kFirst, kSecond, kSecond));
  const auto mask = (__m256i)four_words(0x08040201u, 0x80402010u, 0x08040201u, 0x80402010u);
  return (Words)_mm256_cmpeq_epi8(_mm256_and_si256(bytes, mask), mask);
}

template <typename T>
inline T number_at(const uint8_t* p) {
  T number;
  __builtin_memcpy(&number, p, sizeof(number));
  return number;
}

/// The F16 at the beginning of four blocks of each row, `apart` bytes from one another.
template <int apart>
inline Floats halves_at(const uint8_t* p, size_t stride) {
  const auto half = [&](size_t r, size_t i) { return number_at<int16_t>(p + r * stride + i * apart); };
  return (Floats)_mm256_cvtph_ps(
      _mm_setr_epi16(half(0, 0), half(0, 1), half(0, 2), half(0, 3), half(1, 0), half(1, 1), half(1, 2), half(1, 3)));
}

/// The word at byte `at` of four blocks of each row, `apart` bytes from one another.
template <int apart, int at>
inline Words words_at(const uint8_t* p, size_t stride) {
  const auto word = [&](size_t r, size_t i) { return number_at<uint32_t>(p + r * stride + i * apart + at); };
  return Words{word(0, 0), word(0, 1), word(0, 2), word(0, 3), word(1, 0), word(1, 1), word(1, 2), word(1, 3)};
}

/// The products of n times 16 neighbours of each row, w, and of x, whose next 16 lie x_step bytes on: four sums a row.
template <int max_weight, int n>
inline Ints products(const Words* w, const int8_t* x, size_t x_step) {
  const auto sixteen = [&](size_t i) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x + i * x_step)));
  };
#ifdef __AVXVNNI__
  __m256i sum = _mm256_setzero_si256();
  for (int i = 0; i < n; ++i) sum = _mm256_dpbusd_avx_epi32(sum, (__m256i)w[i], sixteen(i));
  return (Ints)sum;
#else
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i pairs = pairs_of_products<max_weight>((__m256i)w[0], sixteen(0));
  if constexpr (n == 1) return (Ints)_mm256_madd_epi16(pairs, ones);
  const __m256i others = pairs_of_products<max_weight>((__m256i)w[n - 1], sixteen(n - 1));
  if constexpr (kPairs<max_weight> >= 2) return (Ints)_mm256_madd_epi16(_mm256_add_epi16(pairs, others), ones);
  return (Ints)_mm256_add_epi32(_mm256_madd_epi16(pairs, ones), _mm256_madd_epi16(others, ones));
#endif
}

/// Word i of a row is the sum of the row's words in v[i].
inline Ints add_words(const Ints (&v)[4]) {
  const __m256i a = _mm256_hadd_epi32((__m256i)v[0], (__m256i)v[1]);
  const __m256i b = _mm256_hadd_epi32((__m256i)v[2], (__m256i)v[3]);
  return (Ints)_mm256_hadd_epi32(a, b);
}

/// Stores the sum of each row's words.
inline void store_rows(float* p, Floats x) {
  p[0] = (x[0] + x[1]) + (x[2] + x[3]);
  p[1] = (x[4] + x[5]) + (x[6] + x[7]);
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
