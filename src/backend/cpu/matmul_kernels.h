// The tables of matrix products: what an instruction set offers for each type of weights. Plain data only.
//
// A kernel works on a group of neighbouring rows of weights, which lie as they do in the file, and on a block of up to
// kWide rows of x ("columns"). It fills a tile [width][rows] with products; the caller adds bias and stores.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tensor/dtype.h"

namespace ondol::cpu {

/// x is rounded to 8 bits in groups of this many neighbours, each with its scale.
constexpr int kXGroup = 32;
/// Products of operands that are rounded only for them share a scale among this many neighbours, or what is left of a
/// row: fewer scales are sooner multiplied.
constexpr int kCoarseGroup = 4 * kXGroup;
/// Widths of blocks: each of 1 to kNarrow, and kWide.
constexpr int kNarrow = 8;
constexpr int kWide = 16;
/// Blocks of at most this many rows of x may be multiplied in strips.
constexpr int kFew = 6;
/// Strips read this many neighbouring weights of a row at a time.
constexpr int kStretch = 128;
/// Rows of weights in a group of the float kernels, and at most in any group.
constexpr int kFloatRows = 4;
constexpr int kMaxLanes = 16;

/// `width` rows of x as the integer kernels read them: x is about scale * q.
///
/// For strips, [K / n][width] becomes [K / 4 n][width][4], q is [K / 16][width][16], and zeros fill K up to a multiple
/// of kStretch.
struct XBlock {
  const int8_t* q;       // [K / run][width][run]: MatmulKernels::x_run neighbours of a row lie together
  const float* scale;    // [K / kXGroup][width]
  const int32_t* start;  // [K / per][width]: -zero_point * (sum of q), which an integer sum of a group lacks
  const float* sum;      // [K / per][width]: scale * (sum of q), for types with minimums
};

/// Fills tile [width][tile_stride] with the products of n_rows rows (a multiple of LanesType::lanes) of k weights,
/// row_bytes apart without gaps, and a block.
using LanesKernel = void (*)(const uint8_t* rows, size_t row_bytes, int64_t n_rows, int64_t k, const XBlock* x,
                             float* tile, size_t tile_stride);
/// Unpacks `lanes` rows into a panel, from which wide blocks are multiplied faster: k / 32 * panel_step bytes, 64-byte
/// aligned.
using PackKernel = void (*)(const uint8_t* rows, size_t row_bytes, int64_t k, uint8_t* panel);
/// Fills tile [kWide][tile_stride] with the products of 1 to kMostPanels panels that lie one after the other.
using PanelKernel = void (*)(const uint8_t* panels, int n_panels, int64_t k, const XBlock* x, float* tile,
                             size_t tile_stride);
constexpr int kMostPanels = 2;

/// Products of one type of weights with rounded x.
struct LanesType {
  int lanes;          // rows in a group
  int block;          // k is a multiple of this
  int per;            // elements that share a scale: 16 or 32
  int zero_point;     // of the weights as the kernels hold them; 0 if XBlock::start is not read
  bool minimums;      // whether XBlock::sum is read
  size_t panel_step;  // bytes of a panel for 32 elements of all lanes
  /// For widths 1, 2 ... kNarrow; nullptr for those that MatmulKernels::few leaves to strips.
  LanesKernel narrow[kNarrow];
  LanesKernel wide;
  PackKernel pack;
  PanelKernel multiply_panels;
  PackKernel pack_tiles;  // for TileKernels, or nullptr
};

/// Fills tile [width][tile_stride] with the products of n_rows rows (a multiple of StripsType::rows) of k weights,
/// row_bytes apart without gaps, and a block for strips. The rows are cut into StripsType::rows parts, through which
/// the kernel goes at once: so it reads so many streams of memory, each in order, which is the fastest where reading
/// the weights takes longer than multiplying them.
using StripsKernel = void (*)(const uint8_t* rows, size_t row_bytes, int64_t n_rows, int64_t k, const XBlock* x,
                              float* tile, size_t tile_stride);

/// Products of one type of weights with few rows of rounded x. They are the same, bit for bit, as LanesType's.
struct StripsType {
  int rows;
  StripsKernel few[kFew];  // for widths 1, 2 ... kFew
};

/// As StripsKernel, in floats: kFloatRows streams of rows and `width` (at most kWide) rows of x, which are x_stride
/// floats apart.
using FloatKernel = void (*)(const uint8_t* rows, size_t row_bytes, int64_t n_rows, int64_t k, const float* x,
                             size_t x_stride, int width, float* tile, size_t tile_stride);

/// Rounds n rows of x (k a multiple of kXGroup), x_stride floats apart, to columns of a block. `sums` are those of each
/// kXGroup / 2 neighbours, [2 k / kXGroup][width]. Column by column, a block that is larger than the first-level cache
/// would pass through it `width` times.
using RoundKernel = void (*)(const float* x, size_t x_stride, int n, int64_t k, int width, int8_t* q, float* scale,
                             int32_t* sums);

/// Products of blocks and panels whose groups of kCoarseGroup share a scale. Operands may be given with rows and columns
/// exchanged, so that products sum over rows, which lie `stride` numbers apart.
///
/// XBlock::scale has the scale for each kXGroup of a group; the first XBlock::start of a group is for all of it.
struct CoarseKernels {
  /// As MatmulKernels::round.
  RoundKernel round;
  /// Rounds n numbers, a multiple of kXGroup, to blocks of Q8_0.
  void (*round_row)(const float* values, int64_t n, uint8_t* blocks);
  /// Rounds a group of kWide columns of x; rows from n_rows on are zeros, which fill up the last kXGroup.
  void (*round_turned_x)(const float* x, size_t stride, int n_rows, int8_t* q, float* scale, int32_t* sums);
  /// Pack k rows of n columns of weights (at most LanesType::lanes; zeros take the place of others, and fill up the
  /// last kXGroup) into a panel of Q8_0's.
  void (*pack_turned_f32)(const float* weights, size_t stride, int n, int64_t k, uint8_t* panel);
  void (*pack_turned_bf16)(const uint16_t* weights, size_t stride, int n, int64_t k, uint8_t* panel);
  /// Panels of Q8_0's.
  PanelKernel multiply_panels;
};

/// Products by matrix instructions of BF16. A tile is 1 KiB: of weights, 32 neighbours of kTileRows rows; of x, 32
/// neighbours of kTileRows rows; of products, kTileRows x kTileRows floats, [row of x][row of weights]. Numbers with
/// more digits than BF16 has are rounded, or split into two tiles, of the number and of what is missing.
constexpr int kTileRows = 16;
constexpr int kTileColumns = 32;
constexpr size_t kTileBytes = 1024;

/// Tiles of one or two groups of rows. Those of what is missing lie `missing` bytes after the others.
struct TilePacks {
  const uint8_t* first;
  size_t bytes;  // from one group of rows to the next
  size_t missing;
  int n;
  bool split;  // whether what is missing counts
};

/// Where products of tiles are: those of group i of x and j of weights at tiles[i][j], with lines `stride` floats
/// apart.
struct TileProducts {
  float* tiles[2][2];
  size_t stride;
};

struct TileKernels {
  /// Whether these products are faster than those of rounded bytes (LanesType), so that any weights go this way.
  bool beats_bytes;
  /// Whether F16 weights, and x that meets them or BF16 weights, are split. That takes two or three products for one,
  /// which only matrix instructions do sooner than products of floats. Rounded x is as precise as bytes are.
  bool splits;
  /// Pack kTileRows rows of weights: k / 32 tiles, and for F16 as many again of what is missing if it is split.
  PackKernel pack_f32;
  PackKernel pack_f16;
  PackKernel pack_bf16;
  /// Packs n rows of x (1 to kTileRows; zeros take the place of others): k / 32 tiles, and if `split` as many again of
  /// what is missing.
  void (*pack_x)(const float* x, size_t x_stride, int n, int64_t k, bool split, uint8_t* tiles);
  /// The same for columns: n columns (1 to kTileRows) of k rows, which are `stride` numbers apart. Like pack_x and, for
  /// k a multiple of 4, pack_f32 they fill the last tile up with zeros.
  void (*pack_x_columns)(const float* x, size_t stride, int n, int64_t k, uint8_t* tiles);
  void (*pack_f32_columns)(const float* weights, size_t stride, int n, int64_t k, uint8_t* tiles);
  void (*pack_bf16_columns)(const uint16_t* weights, size_t stride, int n, int64_t k, uint8_t* tiles);
  /// Gives the thread its tiles, for calls of `multiply`, and takes them away: otherwise every change of threads saves
  /// them.
  void (*configure)();
  void (*release)();
  /// Writes to `to` the products of n_tiles tiles of each group, added to those in `from` unless that is nullptr.
  /// Fetches `next`, which the next call will read as `from`, into the cache. Split weights want split x.
  void (*multiply)(const TilePacks* x, const TilePacks* weights, int64_t n_tiles, const TileProducts* from,
                   const TileProducts* to, const float* next);
};

struct MatmulKernels {
  RoundKernel round;
  int x_run = 4;
  FloatKernel f32;
  FloatKernel f16;
  FloatKernel bf16;
  /// Decode n numbers.
  void (*decode_f16)(const void* from, float* to, int64_t n);
  void (*decode_bf16)(const void* from, float* to, int64_t n);
  /// nullptr: decode these weights to floats.
  const LanesType* (*lanes_type)(DType type);
  /// nullptr: there are no coarse groups, and turned operands are not rounded to bytes.
  const CoarseKernels* coarse = nullptr;
  /// Blocks of this width and below are multiplied in strips: 0 to kFew.
  int few;
  /// nullptr only where lanes_type is.
  const StripsType* (*strips_type)(DType type);
};

/// The table of a processor with AMX, and that of one with AVX-512's products of BF16 alone.
namespace avx512 {
extern const TileKernels kTiles;
extern const TileKernels kPairTiles;
}  // namespace avx512

/// What each folder offers.
namespace avx2 {
extern const CoarseKernels kCoarse;
extern const MatmulKernels kMatmul;
}
namespace avx2_vnni {
extern const CoarseKernels kCoarse;
extern const MatmulKernels kMatmul;
}
namespace avx512 {
extern const CoarseKernels kCoarse;
extern const MatmulKernels kMatmul;
}
namespace neon {
extern const CoarseKernels kCoarse;
extern const MatmulKernels kMatmul;
}
namespace neon_i8mm {
extern const MatmulKernels kMatmul;
}

}  // namespace ondol::cpu
