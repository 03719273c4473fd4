// Products of BF16 tiles by AVX-512's dot products of pairs, on processors without matrix instructions.
#include "backend/cpu/avx512/lanes.h"
#include "backend/cpu/avx512/pack_tiles.h"

namespace ondol::cpu::avx512 {
namespace {

/// Rows of x whose sums stay in registers.
constexpr int kRowsAtOnce = 8;
constexpr int kPairs = kTileColumns / 2;

/// Adds to `sums` the products of one tile of each group of weights and kRowsAtOnce rows of a tile of x.
template <int n_w>
inline void add_products(const uint8_t* x, const uint8_t* weights, size_t weights_bytes,
                         __m512 (&sums)[kRowsAtOnce][n_w]) {
  for (int pair = 0; pair < kPairs; ++pair) {
    __m512bh w[n_w];
    for (int j = 0; j < n_w; ++j) {
      w[j] = (__m512bh)_mm512_loadu_si512(weights + static_cast<size_t>(j) * weights_bytes + 64 * pair);
    }
    for (int r = 0; r < kRowsAtOnce; ++r) {
      int both;
      __builtin_memcpy(&both, x + 64 * r + 4 * pair, sizeof(both));
      const auto of_x = (__m512bh)_mm512_set1_epi32(both);
      for (int j = 0; j < n_w; ++j) sums[r][j] = _mm512_dpbf16_ps(sums[r][j], of_x, w[j]);
    }
  }
}

/// The products of rows [row, row + kRowsAtOnce) of group `group` of x.
template <int n_w>
void multiply_rows(const TilePacks& x, int group, int row, const TilePacks& weights, int64_t n_tiles,
                   const TileProducts* from, const TileProducts& to) {
  __m512 sums[kRowsAtOnce][n_w];
  for (int r = 0; r < kRowsAtOnce; ++r) {
    for (int j = 0; j < n_w; ++j) {
      sums[r][j] = from == nullptr
                       ? _mm512_setzero_ps()
                       : _mm512_loadu_ps(from->tiles[group][j] + static_cast<size_t>(row + r) * from->stride);
    }
  }
  const uint8_t* of_x = x.first + static_cast<size_t>(group) * x.bytes + 64 * row;
  const uint8_t* of_weights = weights.first;
  for (int64_t i = 0; i < n_tiles; ++i, of_x += kTileBytes, of_weights += kTileBytes) {
    add_products(of_x, of_weights, weights.bytes, sums);
    if (x.split) add_products(of_x + x.missing, of_weights, weights.bytes, sums);
    if (weights.split) add_products(of_x, of_weights + weights.missing, weights.bytes, sums);
  }
  for (int r = 0; r < kRowsAtOnce; ++r) {
    for (int j = 0; j < n_w; ++j) {
      _mm512_storeu_ps(to.tiles[group][j] + static_cast<size_t>(row + r) * to.stride, sums[r][j]);
    }
  }
}

void multiply_tiles(const TilePacks* x, const TilePacks* weights, int64_t n_tiles, const TileProducts* from,
                    const TileProducts* to, const float* /*next*/) {
  for (int group = 0; group < x->n; ++group) {
    for (int row = 0; row < kTileRows; row += kRowsAtOnce) {
      if (weights->n == 2) {
        multiply_rows<2>(*x, group, row, *weights, n_tiles, from, *to);
      } else {
        multiply_rows<1>(*x, group, row, *weights, n_tiles, from, *to);
      }
    }
  }
}

void do_nothing() {}

}  // namespace

const TileKernels kPairTiles = {
    .beats_bytes = false,
    .splits = false,
    .pack_f32 = pack_f32,
    .pack_f16 = pack_f16,
    .pack_bf16 = pack_bf16,
    .pack_x = pack_x,
    .pack_x_columns = pack_x_columns,
    .pack_f32_columns = pack_f32_columns,
    .pack_bf16_columns = pack_bf16_columns,
    .configure = do_nothing,
    .release = do_nothing,
    .multiply = multiply_tiles,
};

}  // namespace ondol::cpu::avx512
