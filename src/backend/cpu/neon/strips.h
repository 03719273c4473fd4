// A row of weights, sixteen neighbouring bytes at a time: what the files of strips/ need of Neon with dot products.
#pragma once

#include "backend/cpu/neon/words.h"

namespace ondol::cpu::ONDOL_ISA {
namespace {

/// The four words of a vector belong to one row.
constexpr int kStripRows = 1;

inline void prefetch(const uint8_t* p) {
  __builtin_prefetch(p);
}

inline Words four_words(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return Words{a, b, c, d};
}

/// The 16 bytes at p.
inline Words load16(const uint8_t* p, size_t) {
  return vreinterpretq_u32_u8(vld1q_u8(p));
}

inline Floats load_quartet(const float* p) {
  return vld1q_f32(p);
}
inline Ints load_quartet(const int32_t* p) {
  return vld1q_s32(p);
}

/// Number i / 2 of the four in word i; or, if v is 1, number 2 + i / 2.
template <int v>
inline Floats twice_each(Floats x) {
  return v == 0 ? vzip1q_f32(x, x) : vzip2q_f32(x, x);
}

/// Word i in all words.
template <int i>
inline Words word_at(Words v) {
  return vdupq_laneq_u32(v, i);
}

/// Byte order[i] of v as byte i; 0 where order[i] is above 15.
inline Words shuffled(Words v, Words order) {
  return vreinterpretq_u32_u8(vqtbl1q_u8(vreinterpretq_u8_u32(v), vreinterpretq_u8_u32(order)));
}

/// Bytes a, b, c and d of the sixteen, as words.
template <int a, int b, int c, int d>
inline Words pick_bytes(Words v) {
  constexpr uint32_t kNothing = 0xffffff00;
  return shuffled(v, Words{kNothing | a, kNothing | b, kNothing | c, kNothing | d});
}

/// Bytes b to b + 3 of the sixteen as signed numbers.
template <int b>
inline Ints signed_bytes_from(Words v) {
  constexpr uint32_t kLow = 0x00ffffff;
  const Words high = shuffled(v, Words{uint32_t{b} << 24 | kLow, uint32_t{b + 1} << 24 | kLow,
                                       uint32_t{b + 2} << 24 | kLow, uint32_t{b + 3} << 24 | kLow});
  return vshrq_n_s32(vreinterpretq_s32_u32(high), 24);
}

/// The F16 at byte `at` of the sixteen, in all words.
template <int at>
inline Floats half_at(Words v) {
  return vcvt_f32_f16(vdup_laneq_f16(vreinterpretq_f16_u32(v), at / 2));
}

/// 0xff in byte b if bit 16 h + b of the words, which are all the same, is set, else 0.
template <int h>
inline Words spread_bits(Words bits) {
  constexpr uint32_t kFirst = 2 * h * 0x01010101u;
  constexpr uint32_t kSecond = (2 * h + 1) * 0x01010101u;
  const uint8x16_t mask = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
  const Words bytes = shuffled(bits, Words{kFirst, kFirst, kSecond, kSecond});
  return vreinterpretq_u32_u8(vtstq_u8(vreinterpretq_u8_u32(bytes), mask));
}

/// The F16 at the beginning of four blocks, `apart` bytes from one another.
template <int apart>
inline Floats halves_at(const uint8_t* p, size_t) {
  uint16_t halves[4];
  for (int i = 0; i < 4; ++i) __builtin_memcpy(&halves[i], p + i * apart, sizeof(halves[i]));
  return vcvt_f32_f16(vreinterpret_f16_u16(uint16x4_t{halves[0], halves[1], halves[2], halves[3]}));
}

/// The word at byte `at` of four blocks, `apart` bytes from one another.
template <int apart, int at>
inline Words words_at(const uint8_t* p, size_t) {
  uint32_t words[4];
  for (int i = 0; i < 4; ++i) __builtin_memcpy(&words[i], p + i * apart + at, sizeof(words[i]));
  return Words{words[0], words[1], words[2], words[3]};
}

/// The products of n times 16 neighbours, w, and of x, whose next 16 lie x_step bytes on: four sums.
template <int max_weight, int n>
inline Ints products(const Words* w, const int8_t* x, size_t x_step) {
  Ints sum = vdupq_n_s32(0);
  for (int i = 0; i < n; ++i, x += x_step) sum = vdotq_s32(sum, vreinterpretq_s8_u32(w[i]), vld1q_s8(x));
  return sum;
}

/// Word i is the sum of the words of v[i].
inline Ints add_words(const Ints (&v)[4]) {
  return vpaddq_s32(vpaddq_s32(v[0], v[1]), vpaddq_s32(v[2], v[3]));
}

/// Stores the sum of the words.
inline void store_rows(float* p, Floats x) {
  p[0] = (x[0] + x[1]) + (x[2] + x[3]);
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
