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
/// Widths of blocks: each of 1 to kNarrow, and kWide.
constexpr int kNarrow = 8;
constexpr int kWide = 16;
/// Rows of weights in a group of the float kernels, and at most in any group.
constexpr int kFloatRows = 4;
constexpr int kMaxLanes = 16;

/// `width` rows of x as the integer kernels read them: x is about scale * q.
struct XBlock {
  const int8_t* q;       // [K / 4][width][4]: four neighbours of a row lie together
  const float* scale;    // [K / kXGroup][width]
  const int32_t* start;  // [K / per][width]: -zero_point * (sum of q), where the integer sum of a group begins
  const float* sum;      // [K / per][width]: scale * (sum of q), for types with minimums
};

/// Fills tile [width][lanes] with the products of `lanes` rows of k weights, row_bytes apart, and a block. Meanwhile
/// fetches as many bytes from `next` on, which the caller will ask for next, into the cache (nullptr: nothing).
using LanesKernel = void (*)(const uint8_t* rows, size_t row_bytes, int64_t k, const XBlock* x, const uint8_t* next,
                             float* tile);
/// Unpacks `lanes` rows into a panel, from which wide blocks are multiplied faster: k / 32 * panel_step bytes, 64-byte
/// aligned.
using PackKernel = void (*)(const uint8_t* rows, size_t row_bytes, int64_t k, uint8_t* panel);
/// Fills tile [kWide][lanes].
using PanelKernel = void (*)(const uint8_t* panel, int64_t k, const XBlock* x, float* tile);

/// Products of one type of weights with rounded x.
struct LanesType {
  int lanes;                    // rows in a group
  int block;                    // k is a multiple of this
  int per;                      // elements that share a scale: 16 or 32
  int zero_point;               // of the weights as the kernels hold them; 0 if XBlock::start is not read
  bool minimums;                // whether XBlock::sum is read
  size_t panel_step;            // bytes of a panel for 32 elements of all lanes
  LanesKernel narrow[kNarrow];  // for widths 1, 2 ... kNarrow
  LanesKernel wide;
  PackKernel pack;
  PanelKernel multiply_panel;
};

/// Fills tile [width][kFloatRows] with the products, in floats, of kFloatRows rows of k weights and `width` (at most
/// kWide) rows of x, which are x_stride floats apart. Fetches `next` as LanesKernel does.
using FloatKernel = void (*)(const uint8_t* rows, size_t row_bytes, int64_t k, const float* x, size_t x_stride,
                             int width, const uint8_t* next, float* tile);

/// Rounds a row of x (k a multiple of kXGroup) to a column of a block: group g's scale goes to scale[g * width], the
/// sum of its half h to sums[2 * g + h].
using RoundKernel = void (*)(const float* x, int64_t k, int width, int8_t* q, float* scale, int32_t* sums);

struct MatmulKernels {
  RoundKernel round;
  FloatKernel f32;
  FloatKernel f16;
  FloatKernel bf16;
  /// Decode n numbers.
  void (*decode_f16)(const void* from, float* to, int64_t n);
  void (*decode_bf16)(const void* from, float* to, int64_t n);
  /// nullptr: decode these weights to floats.
  const LanesType* (*lanes_type)(DType type);
};

/// What each folder offers.
namespace avx512 {
extern const MatmulKernels kMatmul;
}

}  // namespace ondol::cpu
