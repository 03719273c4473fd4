// Searches for blocks with two levels of scales: sub-blocks with small integer scales (and mins) in units of F16
// super-scales.
//
// Every sub-block is first fitted on its own. Then the two levels are fitted to each other: given the super-scales,
// each sub-block tries the integers around its ideal ones; given those, the best super-scales follow by weighted least
// squares.
#pragma once

#include <cstdint>

#include "quant/block_input.h"
#include "quant/scale_search.h"

namespace ondol {

constexpr int kMaxSubBlocks = 16;

/// `count` sub-blocks of `size` values whose integer scales lie in lowest .. highest; lowest < 0.
struct ScaleLayout {
  int count;
  int size;
  int lowest;
  int highest;
};

/// value = d * scale * q, q an integer or the index of a level.
struct ScaleCode {
  uint16_t d;
  int8_t scale[kMaxSubBlocks];
  int8_t q[kMaxBlockSize];
};

ScaleCode fit_two_levels(const BlockInput& input, const IntegerGrid& grid, const ScaleLayout& layout);
ScaleCode fit_two_levels(const BlockInput& input, const LevelGrid& grid, const ScaleLayout& layout);

/// `count` sub-blocks of `size` values with integers 0 .. hi and integer scales and mins 0 .. highest.
struct AffineLayout {
  int count;
  int size;
  float hi;
  int highest;
};

/// value = d * scale * q - dmin * min.
struct AffineCode {
  uint16_t d;
  uint16_t dmin;
  uint8_t scale[kMaxSubBlocks];
  uint8_t min[kMaxSubBlocks];
  int8_t q[kMaxBlockSize];
};

AffineCode fit_two_levels(const BlockInput& input, const AffineLayout& layout);

}  // namespace ondol
