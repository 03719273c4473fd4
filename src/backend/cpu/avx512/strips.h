// Four rows of weights, sixteen neighbouring bytes of each: what the files of strips/ need of AVX-512 with VNNI.
#pragma once

#include "backend/cpu/avx512/words.h"

namespace ondol::cpu::avx512 {
namespace {

/// Words 4 r to 4 r + 3 of a vector belong to row r.
constexpr int kStripRows = 4;

inline void prefetch(const uint8_t* p) {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0);
}

inline Words four_words(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return (Words)_mm512_set4_epi32(static_cast<int>(d), static_cast<int>(c), static_cast<int>(b), static_cast<int>(a));
}

/// The 16 bytes at p + r * stride of all rows r.
inline Words load16(const uint8_t* p, size_t stride) {
  const auto row = [&](size_t r) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + r * stride)); };
  __m512i v = _mm512_castsi128_si512(row(0));
  v = _mm512_inserti32x4(v, row(1), 1);
  v = _mm512_inserti32x4(v, row(2), 2);
  return (Words)_mm512_inserti32x4(v, row(3), 3);
}

/// Four numbers, the same for all rows.
inline Floats load_quartet(const float* p) {
  return (Floats)_mm512_broadcast_f32x4(_mm_loadu_ps(p));
}
inline Ints load_quartet(const int32_t* p) {
  return (Ints)_mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

/// Number i / 2 of each row's four in its word i; or, if v is 1, number 2 + i / 2.
template <int v>
inline Floats twice_each(Floats x) {
  constexpr auto kOrder = v == 0 ? 0b01010000 : 0b11111010;
  return (Floats)_mm512_permute_ps((__m512)x, kOrder);
}

/// Word i of each row in all of its words.
template <int i>
inline Words word_at(Words v) {
  return (Words)_mm512_shuffle_epi32((__m512i)v, static_cast<_MM_PERM_ENUM>(i * 0b01010101));
}

/// Bytes a, b, c and d of each row's sixteen, as its words.
template <int a, int b, int c, int d>
inline Words pick_bytes(Words v) {
  constexpr int kNothing = static_cast<int>(0x80808000);
  return (Words)_mm512_shuffle_epi8((__m512i)v,
                                    _mm512_set4_epi32(kNothing | d, kNothing | c, kNothing | b, kNothing | a));
}

/// Bytes b to b + 3 of each row's sixteen as signed numbers.
template <int b>
inline Ints signed_bytes_from(Words v) {
  const __m512i high =
      _mm512_shuffle_epi8((__m512i)v, _mm512_set4_epi32((b + 3) << 24 | 0x808080, (b + 2) << 24 | 0x808080,
                                                        (b + 1) << 24 | 0x808080, b << 24 | 0x808080));
  return (Ints)_mm512_srai_epi32(high, 24);
}

/// The F16 at byte `at` of each row's sixteen, in all of its words.
template <int at>
inline Floats half_at(Words v) {
  return half_to_floats(word_at<at / 4>(v) >> (at % 4 * 8));
}

/// 0xff in byte b of each row if bit 16 h + b of its words is set, else 0. All words of a row are the same.
template <int h>
inline Words spread_bits(Words bits) {
  const __m512i source =
      _mm512_set4_epi32((2 * h + 1) * 0x01010101, (2 * h + 1) * 0x01010101, 2 * h * 0x01010101, 2 * h * 0x01010101);
  const __m512i bytes = _mm512_shuffle_epi8((__m512i)bits, source);
  const __mmask64 set = _mm512_test_epi8_mask(bytes, _mm512_set1_epi64(static_cast<int64_t>(0x8040201008040201)));
  return (Words)_mm512_movm_epi8(set);
}

/// Where four blocks, `apart` bytes from one another, are read by two loads of 64 bytes: the first holds what is wanted
/// of all, or of blocks 0 and 1 with the second, which begins here, holding the others.
template <int apart, int end>
constexpr int kSecondLoad = 3 * apart + end <= 64 ? 0 : (2 * apart < 4 * apart - 64 ? 2 * apart : 4 * apart - 64);

/// The F16 at the beginning of four blocks of each row, `apart` bytes from one another.
template <int apart>
inline Floats halves_at(const uint8_t* p, size_t stride) {
  constexpr int kSecond = kSecondLoad<apart, 2>;
  static_assert(apart % 2 == 0 && kSecond % 2 == 0 && apart + 2 <= 64 && 3 * apart + 2 - kSecond <= 64);
  constexpr int kOfSecond[] = {2 * apart - kSecond, 3 * apart - kSecond};
  const __m512i order =
      _mm512_set1_epi64(int64_t{apart / 2} << 16 | int64_t{kOfSecond[0] / 2} << 32 | int64_t{kOfSecond[1] / 2} << 48);
  __m512i halves = _mm512_setzero_si512();
  for (size_t r = 0; r < 4; ++r) {
    const uint8_t* row = p + r * stride;
    const auto pairs = static_cast<__mmask32>(0x3u << (4 * r));
    const __mmask32 first = kSecond == 0 ? pairs | pairs << 2 : pairs;
    halves = _mm512_mask_permutexvar_epi16(halves, first, order, _mm512_loadu_si512(row));
    if constexpr (kSecond != 0) {
      halves = _mm512_mask_permutexvar_epi16(halves, pairs << 2, order, _mm512_loadu_si512(row + kSecond));
    }
  }
  return (Floats)_mm512_cvtph_ps(_mm512_castsi512_si256(halves));
}

/// The word at byte `at` of four blocks of each row, `apart` bytes from one another.
template <int apart, int at>
inline Words words_at(const uint8_t* p, size_t stride) {
  if constexpr (apart % 4 == 0 && at % 4 == 0) {
    constexpr int kSecond = kSecondLoad<apart, at + 4>;
    static_assert(kSecond % 4 == 0 && apart + at + 4 <= 64 && 3 * apart + at + 4 - kSecond <= 64);
    const __m512i order =
        _mm512_set4_epi32((3 * apart + at - kSecond) / 4, (2 * apart + at - kSecond) / 4, (apart + at) / 4, at / 4);
    __m512i words = _mm512_setzero_si512();
    for (size_t r = 0; r < 4; ++r) {
      const uint8_t* row = p + r * stride;
      const auto pair = static_cast<__mmask16>(0x3u << (4 * r));
      const auto first = static_cast<__mmask16>(kSecond == 0 ? pair | pair << 2 : pair);
      words = _mm512_mask_permutexvar_epi32(words, first, order, _mm512_loadu_si512(row));
      if constexpr (kSecond != 0) {
        const auto others = static_cast<__mmask16>(pair << 2);
        words = _mm512_mask_permutexvar_epi32(words, others, order, _mm512_loadu_si512(row + kSecond));
      }
    }
    return (Words)words;
  } else {
    const __m512i rows = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const __m512i of_rows = _mm512_mullo_epi32(rows, _mm512_set1_epi32(static_cast<int>(stride)));
    const __m512i of_blocks = _mm512_set4_epi32(3 * apart + at, 2 * apart + at, apart + at, at);
    return (Words)_mm512_i32gather_epi32(_mm512_add_epi32(of_rows, of_blocks), p, 1);
  }
}

/// The products of n times 16 neighbours of each row, w, and of x, whose next 16 lie x_step bytes on: four sums a row.
template <int max_weight, int n>
inline Ints products(const Words* w, const int8_t* x, size_t x_step) {
  __m512i sum = _mm512_setzero_si512();
  for (int i = 0; i < n; ++i, x += x_step) {
    const __m128i sixteen = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x));
    sum = _mm512_dpbusd_epi32(sum, (__m512i)w[i], _mm512_broadcast_i32x4(sixteen));
  }
  return (Ints)sum;
}

/// Word i of a row is the sum of the row's words in v[i].
inline Ints add_words(const Ints (&v)[4]) {
  const auto halves = [](Ints a, Ints b) {
    return _mm512_add_epi32(_mm512_unpacklo_epi32((__m512i)a, (__m512i)b),
                            _mm512_unpackhi_epi32((__m512i)a, (__m512i)b));
  };
  const __m512i a = halves(v[0], v[1]);
  const __m512i b = halves(v[2], v[3]);
  return (Ints)_mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

/// Stores the sum of each row's words.
inline void store_rows(float* p, Floats x) {
  const __m512 pairs = _mm512_add_ps((__m512)x, _mm512_permute_ps((__m512)x, 0b10110001));
  const __m512 sums = _mm512_add_ps(pairs, _mm512_permute_ps(pairs, 0b01001110));
  _mm_storeu_ps(p, _mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, sums)));
}

}  // namespace
}  // namespace ondol::cpu::avx512
