// Products of BF16 tiles by AMX.
#include "backend/cpu/avx512/lanes.h"
#include "backend/cpu/avx512/pack_tiles.h"

namespace ondol::cpu::avx512 {
namespace {

/// Eight tiles of 16 rows of 64 bytes. A constant: GCC 12 believes that loading a configuration reads 8 bytes only, and
/// would drop stores to the rest of it.
struct TileConfig {
  uint8_t palette = 1;
  uint8_t reserved[15] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
alignas(64) const TileConfig kEightTiles;

void configure() {
  _tile_loadconfig(&kEightTiles);
}

void release() {
  _tile_release();
}

// Tiles 0 to 3 sum up products [x][weights], 4 and 5 hold x, 6 and 7 weights.

/// Adds the products of one tile of each group. Loads come right before their first use, to leave them time. Weights
/// stay in the first-level cache, x only passes through.
template <int n_x, int n_w>
inline void add_products_of_tiles(const uint8_t* x, size_t x_bytes, const uint8_t* weights, size_t weights_bytes) {
  _tile_loadd(6, weights, 64);
  _tile_stream_loadd(4, x, 64);
  _tile_dpbf16ps(0, 4, 6);
  if constexpr (n_w == 2) {
    _tile_loadd(7, weights + weights_bytes, 64);
    _tile_dpbf16ps(1, 4, 7);
  }
  if constexpr (n_x == 2) {
    _tile_stream_loadd(5, x + x_bytes, 64);
    _tile_dpbf16ps(2, 5, 6);
  }
  if constexpr (n_x == 2 && n_w == 2) _tile_dpbf16ps(3, 5, 7);
}

template <int n_x, int n_w>
inline void load_products(const TileProducts* from) {
  if (from == nullptr) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    return;
  }
  const size_t stride = from->stride * sizeof(float);
  _tile_loadd(0, from->tiles[0][0], stride);
  if constexpr (n_w == 2) _tile_loadd(1, from->tiles[0][1], stride);
  if constexpr (n_x == 2) _tile_loadd(2, from->tiles[1][0], stride);
  if constexpr (n_x == 2 && n_w == 2) _tile_loadd(3, from->tiles[1][1], stride);
}

template <int n_x, int n_w>
inline void store_products(const TileProducts& to) {
  const size_t stride = to.stride * sizeof(float);
  _tile_stored(0, to.tiles[0][0], stride);
  if constexpr (n_w == 2) _tile_stored(1, to.tiles[0][1], stride);
  if constexpr (n_x == 2) _tile_stored(2, to.tiles[1][0], stride);
  if constexpr (n_x == 2 && n_w == 2) _tile_stored(3, to.tiles[1][1], stride);
}

template <int n_x, int n_w>
void multiply_packs(const TilePacks& x, const TilePacks& weights, int64_t n_tiles, const TileProducts* from,
                    const TileProducts& to, const float* next) {
  // The compiler does not know that tiles read and write memory.
  asm volatile("" ::: "memory");
  load_products<n_x, n_w>(from);
  const uint8_t* of_x = x.first;
  const uint8_t* of_weights = weights.first;
  const auto* ahead = reinterpret_cast<const uint8_t*>(next);
  const size_t per_step = 4 * kTileBytes / static_cast<size_t>(n_tiles);
  for (int64_t i = 0; i < n_tiles; ++i, of_x += kTileBytes, of_weights += kTileBytes) {
    add_products_of_tiles<n_x, n_w>(of_x, x.bytes, of_weights, weights.bytes);
    if (x.split) add_products_of_tiles<n_x, n_w>(of_x + x.missing, x.bytes, of_weights, weights.bytes);
    if (weights.split) add_products_of_tiles<n_x, n_w>(of_x, x.bytes, of_weights + weights.missing, weights.bytes);
    if (ahead != nullptr) {
      for (size_t line = 0; line < per_step; line += 64) prefetch(ahead + line);
      ahead += per_step;
    }
  }
  store_products<n_x, n_w>(to);
  asm volatile("" ::: "memory");
}

void multiply_tiles(const TilePacks* x, const TilePacks* weights, int64_t n_tiles, const TileProducts* from,
                    const TileProducts* to, const float* next) {
  if (x->n == 2 && weights->n == 2) {
    multiply_packs<2, 2>(*x, *weights, n_tiles, from, *to, next);
  } else if (x->n == 2) {
    multiply_packs<2, 1>(*x, *weights, n_tiles, from, *to, next);
  } else if (weights->n == 2) {
    multiply_packs<1, 2>(*x, *weights, n_tiles, from, *to, next);
  } else {
    multiply_packs<1, 1>(*x, *weights, n_tiles, from, *to, next);
  }
}

}  // namespace

const TileKernels kTiles = {
    .beats_bytes = true,
    .splits = true,
    .pack_f32 = pack_f32,
    .pack_f16 = pack_f16_split,
    .pack_bf16 = pack_bf16,
    .pack_x = pack_x,
    .pack_x_columns = pack_x_columns,
    .pack_f32_columns = pack_f32_columns,
    .pack_bf16_columns = pack_bf16_columns,
    .configure = configure,
    .release = release,
    .multiply = multiply_tiles,
};

}  // namespace ondol::cpu::avx512
