#include "backend/cpu/avx512/pack_tiles.h"

#include "backend/cpu/avx512/lanes.h"

namespace ondol::cpu::avx512 {
namespace {

/// The bits of the nearest BF16, ties to even, where the number's own top half is.
inline Words nearest_bf16(Floats x) {
  const auto bits = (Words)x;
  return (bits + 0x7fffu + (bits >> 16 & 1u)) & 0xffff0000u;
}

inline void store_top_halves(uint8_t* p, Words x) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16((__m512i)(x >> 16)));
}

/// BF16 of rows `row` and row + 1 of sixteen columns, side by side in each word; zeros for rows from k on.
inline Words pair_of_rows(const float* first, size_t stride, __mmask16 columns, int64_t row, int64_t k) {
  const auto load = [&](int64_t i) {
    const __mmask16 mask = i < k ? columns : __mmask16{0};
    return (Floats)_mm512_maskz_loadu_ps(mask, first + static_cast<size_t>(i) * stride);
  };
  return nearest_bf16(load(row)) >> 16 | nearest_bf16(load(row + 1));
}

/// Rows become columns.
inline void turn_words(Words (&w)[kTileRows]) {
  Words t[kTileRows];
  for (int i = 0; i < kTileRows; i += 2) {
    t[i] = (Words)_mm512_unpacklo_epi32((__m512i)w[i], (__m512i)w[i + 1]);
    t[i + 1] = (Words)_mm512_unpackhi_epi32((__m512i)w[i], (__m512i)w[i + 1]);
  }
  for (int i = 0; i < kTileRows; i += 4) {
    w[i] = (Words)_mm512_unpacklo_epi64((__m512i)t[i], (__m512i)t[i + 2]);
    w[i + 1] = (Words)_mm512_unpackhi_epi64((__m512i)t[i], (__m512i)t[i + 2]);
    w[i + 2] = (Words)_mm512_unpacklo_epi64((__m512i)t[i + 1], (__m512i)t[i + 3]);
    w[i + 3] = (Words)_mm512_unpackhi_epi64((__m512i)t[i + 1], (__m512i)t[i + 3]);
  }
  // w[4 g + c] holds columns c, 4 + c, 8 + c and 12 + c of rows 4 g to 4 g + 3.
  for (int i = 0; i < 4; ++i) {
    const auto a = (__m512i)w[i];
    const auto b = (__m512i)w[4 + i];
    const auto c = (__m512i)w[8 + i];
    const auto d = (__m512i)w[12 + i];
    const __m512i ab_even = _mm512_shuffle_i32x4(a, b, 0x88);
    const __m512i ab_odd = _mm512_shuffle_i32x4(a, b, 0xdd);
    const __m512i cd_even = _mm512_shuffle_i32x4(c, d, 0x88);
    const __m512i cd_odd = _mm512_shuffle_i32x4(c, d, 0xdd);
    t[i] = (Words)_mm512_shuffle_i32x4(ab_even, cd_even, 0x88);
    t[4 + i] = (Words)_mm512_shuffle_i32x4(ab_odd, cd_odd, 0x88);
    t[8 + i] = (Words)_mm512_shuffle_i32x4(ab_even, cd_even, 0xdd);
    t[12 + i] = (Words)_mm512_shuffle_i32x4(ab_odd, cd_odd, 0xdd);
  }
  for (int i = 0; i < kTileRows; ++i) w[i] = t[i];
}

}  // namespace

void pack_x(const float* x, size_t x_stride, int n, int64_t k, bool split, uint8_t* tiles) {
  const int64_t n_steps = (k + kTileColumns - 1) / kTileColumns;
  const size_t missing = static_cast<size_t>(n_steps) * kTileBytes;
  for (int r = 0; r < n; ++r) {
    const float* row = x + static_cast<size_t>(r) * x_stride;
    uint8_t* to = tiles + 64 * r;
    for (int64_t i = 0; i < 2 * n_steps; ++i) {
      const int64_t left = k - 16 * i;
      const auto value = left >= 16 ? (Floats)_mm512_loadu_ps(row + 16 * i)
                         : left > 0
                             ? (Floats)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << left) - 1), row + 16 * i)
                             : Floats{};
      const Words nearest = nearest_bf16(value);
      uint8_t* place = to + static_cast<size_t>(i / 2) * kTileBytes + 32 * (i % 2);
      store_top_halves(place, nearest);
      if (split) store_top_halves(place + missing, nearest_bf16(value - (Floats)nearest));
    }
  }
  for (int64_t step = 0; step < n_steps * (split ? 2 : 1); ++step) {
    __builtin_memset(tiles + static_cast<size_t>(step) * kTileBytes + 64 * n, 0,
                     static_cast<size_t>(64 * (kTileRows - n)));
  }
}

/// k a multiple of 4; zeros fill up the last tile.
void pack_f32(const uint8_t* rows, size_t row_bytes, int64_t k, uint8_t* tiles) {
  for (int64_t i = 0; i < k / 4; ++i, rows += 16, tiles += 2 * sizeof(Words)) {
    Words four[4];
    load16(rows, row_bytes, four);
    store_words(tiles, nearest_bf16((Floats)four[0]) >> 16 | nearest_bf16((Floats)four[1]));
    store_words(tiles + sizeof(Words), nearest_bf16((Floats)four[2]) >> 16 | nearest_bf16((Floats)four[3]));
  }
  for (; k % kTileColumns != 0; k += 4, tiles += 2 * sizeof(Words)) {
    store_words(tiles, Words{});
    store_words(tiles + sizeof(Words), Words{});
  }
}

void pack_f32_columns(const float* weights, size_t stride, int n, int64_t k, uint8_t* tiles) {
  const auto columns = static_cast<__mmask16>((1u << n) - 1);
  for (int64_t row = 0; row < k; row += kTileColumns) {
    for (int j = 0; j < kTileRows; ++j, tiles += sizeof(Words)) {
      store_words(tiles, pair_of_rows(weights, stride, columns, row + 2 * j, k));
    }
  }
}

void pack_bf16_columns(const uint16_t* weights, size_t stride, int n, int64_t k, uint8_t* tiles) {
  const auto columns = static_cast<__mmask16>((1u << n) - 1);
  const auto load = [&](int64_t i) {
    const __mmask16 mask = i < k ? columns : __mmask16{0};
    return (Words)_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, weights + static_cast<size_t>(i) * stride));
  };
  for (int64_t row = 0; row < k; row += kTileColumns) {
    for (int j = 0; j < kTileRows; ++j, tiles += sizeof(Words)) {
      store_words(tiles, load(row + 2 * j) | load(row + 2 * j + 1) << 16);
    }
  }
}

void pack_x_columns(const float* x, size_t x_stride, int n, int64_t k, uint8_t* tiles) {
  const auto columns = static_cast<__mmask16>((1u << n) - 1);
  for (int64_t row = 0; row < k; row += kTileColumns) {
    Words pairs[kTileRows];
    for (int j = 0; j < kTileRows; ++j) pairs[j] = pair_of_rows(x, x_stride, columns, row + 2 * j, k);
    turn_words(pairs);
    for (int j = 0; j < kTileRows; ++j, tiles += sizeof(Words)) store_words(tiles, pairs[j]);
  }
}

namespace {

template <bool split>
void pack_halves(const uint8_t* rows, size_t row_bytes, int64_t k, uint8_t* tiles) {
  const size_t missing = static_cast<size_t>(k / kTileColumns) * kTileBytes;
  for (int64_t i = 0; i < k / 8; ++i, rows += 16) {
    Words pairs[4];
    load16(rows, row_bytes, pairs);
    for (int j = 0; j < 4; ++j, tiles += sizeof(Words)) {
      const Floats even = half_to_floats(pairs[j]);
      const Floats odd = half_to_floats(pairs[j] >> 16);
      const Words even_top = nearest_bf16(even);
      const Words odd_top = nearest_bf16(odd);
      store_words(tiles, even_top >> 16 | odd_top);
      if constexpr (split) {
        store_words(tiles + missing, nearest_bf16(even - (Floats)even_top) >> 16 | nearest_bf16(odd - (Floats)odd_top));
      }
    }
  }
}

}  // namespace

void pack_f16(const uint8_t* rows, size_t row_bytes, int64_t k, uint8_t* tiles) {
  pack_halves<false>(rows, row_bytes, k, tiles);
}

void pack_f16_split(const uint8_t* rows, size_t row_bytes, int64_t k, uint8_t* tiles) {
  pack_halves<true>(rows, row_bytes, k, tiles);
}

/// A whole line of each row at a time: rows that lie a power of two apart share a place in the first-level cache, which
/// has not room for all of them.
void pack_bf16(const uint8_t* rows, size_t row_bytes, int64_t k, uint8_t* tiles) {
  for (int64_t i = 0; i < k / kTileColumns; ++i, rows += sizeof(Words)) {
    Words pairs[kTileRows];
    for (int r = 0; r < kTileRows; ++r) {
      pairs[r] = (Words)_mm512_loadu_si512(rows + static_cast<size_t>(r) * row_bytes);
    }
    turn_words(pairs);
    for (int j = 0; j < kTileRows; ++j, tiles += sizeof(Words)) store_words(tiles, pairs[j]);
  }
}

}  // namespace ondol::cpu::avx512
