// Four rows of weights side by side: what the files of lanes/ need of Neon with dot products. With i8mm enabled in the
// including file, which then has another namespace (ONDOL_ISA), words of weights are of pairs of rows (pairs.inl).
#pragma once

#include "backend/cpu/neon/words.h"

namespace ondol::cpu::ONDOL_ISA {
namespace {

constexpr int kLanes = 4;

// Element r of a vector belongs to row r.

/// Whether this instruction set may come with matrix instructions (lanes/tiles.inl).
constexpr bool kMayHaveTiles = false;
/// Columns that are summed up side by side, so that their chains of additions hide one another's latency.
constexpr int kColumnsAtOnce = 8;
/// Groups of lanes that share what is loaded of x.
constexpr int kGroupsAtOnce = 1;

inline Floats splat(float x) {
  return vdupq_n_f32(x);
}
inline void store(float* p, Floats x) {
  vst1q_f32(p, x);
}

/// To and from panels.
inline void store_words(uint8_t* p, Words x) {
  vst1q_u8(p, vreinterpretq_u8_u32(x));
}
inline Words load_words(const uint8_t* p) {
  return vreinterpretq_u32_u8(vld1q_u8(p));
}

inline void prefetch(const uint8_t* p) {
  __builtin_prefetch(p);
}

/// Into the second-level cache.
inline void prefetch_far(const uint8_t* p) {
  __builtin_prefetch(p, 0, 2);
}

/// The 16 bytes at p + r * stride of all rows r: out[j] holds their bytes 4 j to 4 j + 3.
inline void load16(const uint8_t* p, size_t stride, Words (&out)[4]) {
  Words rows[4];
  for (size_t r = 0; r < 4; ++r) rows[r] = load_words(p + r * stride);
  const auto a = vreinterpretq_u64_u32(vtrn1q_u32(rows[0], rows[1]));
  const auto b = vreinterpretq_u64_u32(vtrn2q_u32(rows[0], rows[1]));
  const auto c = vreinterpretq_u64_u32(vtrn1q_u32(rows[2], rows[3]));
  const auto d = vreinterpretq_u64_u32(vtrn2q_u32(rows[2], rows[3]));
  out[0] = vreinterpretq_u32_u64(vtrn1q_u64(a, c));
  out[1] = vreinterpretq_u32_u64(vtrn1q_u64(b, d));
  out[2] = vreinterpretq_u32_u64(vtrn2q_u64(a, c));
  out[3] = vreinterpretq_u32_u64(vtrn2q_u64(b, d));
}

/// The 4 bytes at p + r * stride of all rows.
inline Words load4(const uint8_t* p, size_t stride) {
  uint32_t rows[kLanes];
  for (size_t r = 0; r < kLanes; ++r) __builtin_memcpy(&rows[r], p + r * stride, sizeof(rows[r]));
  return Words{rows[0], rows[1], rows[2], rows[3]};
}

#ifdef __ARM_FEATURE_MATMUL_INT8
/// Neighbours of a row of x that lie together in XBlock::q.
constexpr int kXRun = 8;

/// The 16 bytes at p + r * stride of all rows r, eight to a half: out[2 i] holds bytes 8 i to 8 i + 7 of rows 0 and 1,
/// out[2 i + 1] those of rows 2 and 3.
inline void load_codes(const uint8_t* p, size_t stride, Words (&out)[4]) {
  uint64x2_t rows[4];
  for (size_t r = 0; r < 4; ++r) rows[r] = vreinterpretq_u64_u8(vld1q_u8(p + r * stride));
  for (int i = 0; i < 2; ++i) {
    out[i] = vreinterpretq_u32_u64(vtrn1q_u64(rows[2 * i], rows[2 * i + 1]));
    out[2 + i] = vreinterpretq_u32_u64(vtrn2q_u64(rows[2 * i], rows[2 * i + 1]));
  }
}

/// Of the words `bits` of two rows (2 * (j % 2) and the next): 0xff in byte b of a row's half if its bit 8 * (j / 2) +
/// b is set, else 0.
template <int j>
inline Words spread_bits(Words bits) {
  constexpr int kByte = 8 * (j % 2) + j / 2;
  const uint8x16_t source = vcombine_u8(vdup_n_u8(kByte), vdup_n_u8(kByte + 4));
  const uint8x16_t mask = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
  return vreinterpretq_u32_u8(vtstq_u8(vqtbl1q_u8(vreinterpretq_u8_u32(bits), source), mask));
}
#else
/// The 16 bytes at p + r * stride of all rows, as load16.
inline void load_codes(const uint8_t* p, size_t stride, Words (&out)[4]) {
  load16(p, stride, out);
}

/// 0xff in byte b of every word in which bit 4 j + b is set, else 0.
template <int j>
inline Words spread_bits(Words bits) {
  const Words source = Words{0, 0x04040404, 0x08080808, 0x0c0c0c0c} | (0x01010101u * (j / 2));
  const uint8x16_t mask = vreinterpretq_u8_u32(vdupq_n_u32(j % 2 == 0 ? 0x08040201u : 0x80402010u));
  const uint8x16_t bytes = vqtbl1q_u8(vreinterpretq_u8_u32(bits), vreinterpretq_u8_u32(source));
  return vreinterpretq_u32_u8(vtstq_u8(bytes, mask));
}

/// sums[c] += the products of `weights` and four bytes of each of 4 columns, which lie at x.
inline void add_four_columns(Ints* sums, Words weights, const int8_t* x) {
  const int8x16_t w = vreinterpretq_s8_u32(weights);
  const int8x16_t four = vld1q_s8(x);
  sums[0] = vdotq_laneq_s32(sums[0], w, four, 0);
  sums[1] = vdotq_laneq_s32(sums[1], w, four, 1);
  sums[2] = vdotq_laneq_s32(sums[2], w, four, 2);
  sums[3] = vdotq_laneq_s32(sums[3], w, four, 3);
}

/// sums[c][0] += the products of n words and column c's bytes. Words lie at `weights`, column c's bytes for word j at
/// x + (j * width + c) * 4.
template <int max_weight, int n, int n_columns>
inline __attribute__((always_inline)) void add_group(Ints (&sums)[n_columns][1], const uint8_t* weights, size_t,
                                                     const int8_t* x, int width) {
  for (int j = 0; j < n; ++j) {
    const Words w = load_words(weights + j * sizeof(Words));
    const int8_t* columns = x + j * width * 4;
    int c = 0;
    for (; c + 4 <= n_columns; c += 4) add_four_columns(&sums[c][0], w, columns + 4 * c);
    for (; c < n_columns; ++c) {
      uint32_t four;
      __builtin_memcpy(&four, columns + 4 * c, sizeof(four));
      sums[c][0] = vdotq_s32(sums[c][0], vreinterpretq_s8_u32(w), vreinterpretq_s8_u32(vdupq_n_u32(four)));
    }
  }
}
#endif

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
