// Searches for the scale (and offset) with which rounding a few values to a grid costs least, every element counting by
// its weight.
//
// The error as a function of the scale is jagged: at every scale where some element changes its grid point there is a
// kink. So the searches evaluate many candidates, four at a time, improve each in closed form (weighted least squares
// for the grid points found) and at last polish the best few by rounding again.
#pragma once

#include <cstdint>

#include "quant/lanes.h"

namespace ondol {

/// `n` values to be approximated and the cost of a squared error in each.
struct Weighted {
  const float* x;
  const float* w;
  int n;
};

/// The grid of all integers from lo to hi.
struct IntegerGrid {
  float lo;
  float hi;
};

/// A grid of up to 16 ascending integer levels within -128 .. 127. Points half-way between levels are multiples of 1/2,
/// so each half of a unit, `cell` of them from -128 up, belongs to one level.
struct LevelGrid {
  static constexpr int kCells = 512;
  float lowest;
  float highest;
  float level_of_cell[kCells];
  int8_t index_of_cell[kCells];
  float level[16];
};

template <int kLevels>
constexpr LevelGrid level_grid(const int8_t (&levels)[kLevels]) {
  static_assert(kLevels <= 16);
  LevelGrid grid{static_cast<float>(levels[0]), static_cast<float>(levels[kLevels - 1]), {}, {}, {}};
  for (int k = 0; k < kLevels; ++k) grid.level[k] = levels[k];
  int index = 0;
  for (int cell = 0; cell < LevelGrid::kCells; ++cell) {
    while (index + 1 < kLevels && levels[index] + levels[index + 1] <= cell - LevelGrid::kCells / 2) ++index;
    grid.index_of_cell[cell] = static_cast<int8_t>(index);
    grid.level_of_cell[cell] = levels[index];
  }
  return grid;
}

/// x is approximated by scale * q.
struct ScaleFit {
  float scale;
  float error;
};

/// x is approximated by scale * q + offset, q an integer from 0.
struct AffineFit {
  float scale;
  float offset;
  float error;
};

/// The scale with the smallest weighted error; negative ones count too unless the grid is symmetric.
ScaleFit fit_scale(const Weighted& values, const IntegerGrid& grid);
ScaleFit fit_scale(const Weighted& values, const LevelGrid& grid);

/// The best scale near `scale`: two rounds of rounding and refitting.
ScaleFit polish_scale(const Weighted& values, const IntegerGrid& grid, float scale);

/// Weighted squared errors for four scales. A scale of 0 makes everything 0.
Lanes scale_error(const Weighted& values, const IntegerGrid& grid, Lanes scale);
Lanes scale_error(const Weighted& values, const LevelGrid& grid, Lanes scale);

/// The integers, or the indices of the levels, for a scale.
void round_to_grid(const Weighted& values, const IntegerGrid& grid, float scale, int8_t* q);
void round_to_grid(const Weighted& values, const LevelGrid& grid, float scale, int8_t* q);

/// The scale and the offset, at most `offset_max`, with the smallest weighted error for integers from 0 to `hi`.
AffineFit fit_affine(const Weighted& values, float hi, float offset_max);

/// Weighted squared errors for four pairs.
Lanes affine_error(const Weighted& values, float hi, Lanes scale, Lanes offset);

/// The integers for a scale and an offset.
void round_affine(const Weighted& values, float hi, float scale, float offset, int8_t* q);

}  // namespace ondol
