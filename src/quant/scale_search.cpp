#include "quant/scale_search.h"

#include <cmath>

namespace ondol {
namespace {

constexpr float kTiny = 1e-30f;

// What multiple of the end of the grid the largest magnitude falls on in the first round of fit_scale. The last ones
// are for outliers that hardly count.
constexpr Lanes kReaches[] = {{0.70f, 0.78f, 0.84f, 0.90f}, {0.95f, 1.00f, 1.05f, 1.10f}, {1.18f, 1.30f, 1.50f, 2.00f}};

// Where the second round looks around the best scale of the first.
constexpr Lanes kScaleShifts[] = {{-1.0f, -0.875f, -0.75f, -0.625f},
                                  {-0.5f, -0.375f, -0.25f, -0.125f},
                                  {0.125f, 0.25f, 0.375f, 0.5f},
                                  {0.625f, 0.75f, 0.875f, 1.0f}};

// Parts of the span by which the first round of fit_affine moves either end of the range inwards, and where its second
// round looks around the best pair, in units of the scale.
constexpr Lanes kCuts = {-0.03f, 0.0f, 0.1f, 0.4f};
constexpr Lanes kEndShifts = {-1.05f, -0.35f, 0.35f, 1.05f};
constexpr float kLeastSpan = 0.02f;

constexpr int kPolishRounds = 2;

Lanes reciprocal_or_zero(Lanes scale) {
  return scale == lanes(0.0f) ? lanes(0.0f) : lanes(1.0f) / scale;
}

Lanes nearest(Lanes value, const IntegerGrid& grid) {
  return lanes_round(lanes_min(lanes_max(value, lanes(grid.lo)), lanes(grid.hi)));
}

LaneMask cell_of(Lanes value) {
  const Lanes half_units = value + value + lanes(LevelGrid::kCells / 2);
  return __builtin_convertvector(lanes_min(lanes_max(half_units, lanes(0.0f)), lanes(LevelGrid::kCells - 1)), LaneMask);
}

Lanes nearest(Lanes value, const LevelGrid& grid) {
  const LaneMask cell = cell_of(value);
  const float* level = grid.level_of_cell;
  return Lanes{level[cell[0]], level[cell[1]], level[cell[2]], level[cell[3]]};
}

float end_of(const IntegerGrid& grid) {
  return std::fmax(-grid.lo, grid.hi);
}
float end_of(const LevelGrid& grid) {
  return std::fmax(-grid.lowest, grid.highest);
}
bool is_symmetric(const IntegerGrid& grid) {
  return -grid.lo == grid.hi;
}
bool is_symmetric(const LevelGrid& grid) {
  return -grid.lowest == grid.highest;
}

// How far the second round of fit_scale looks, as a part of the scale. The finer the grid, the more of its steps are
// worth a look: then chance decides how well a scale fits.
float second_reach(const IntegerGrid& grid) {
  return 0.7f / std::sqrt(end_of(grid));
}
float second_reach(const LevelGrid&) {
  return 0.25f;
}

float largest_magnitude(const Weighted& values) {
  float largest = 0.0f;
  for (int i = 0; i < values.n; ++i) largest = std::fmax(largest, std::fabs(values.x[i]));
  return largest;
}

struct ScaleLanes {
  Lanes scale, error;
};

// The best scale for the grid points that `scale` leads to. Sums are over what is left of x, so nothing cancels.
template <typename Grid>
ScaleLanes refit_scale(const Weighted& values, const Grid& grid, Lanes scale) {
  const Lanes inverse = reciprocal_or_zero(scale);
  Lanes ee{}, eq{}, qq{};
  for (int i = 0; i < values.n; ++i) {
    const Lanes x = lanes(values.x[i]);
    const Lanes w = lanes(values.w[i]);
    const Lanes q = nearest(x * inverse, grid);
    const Lanes e = x - scale * q;
    const Lanes wq = w * q;
    ee += w * e * e;
    eq += wq * e;
    qq += wq * q;
  }
  const Lanes step = eq / lanes_max(qq, lanes(kTiny));
  return {scale + step, ee - step * eq};
}

void keep_better(ScaleLanes& best, const ScaleLanes& candidate) {
  const LaneMask better = candidate.error < best.error;
  best.scale = better ? candidate.scale : best.scale;
  best.error = better ? candidate.error : best.error;
}

template <typename Grid>
ScaleFit fit_scale_to(const Weighted& values, const Grid& grid) {
  const float largest = largest_magnitude(values);
  if (largest == 0.0f) return {0.0f, 0.0f};
  ScaleLanes best{{}, lanes(INFINITY)};
  const int n_signs = is_symmetric(grid) ? 1 : 2;
  for (int sign = 0; sign < n_signs; ++sign) {
    const Lanes top = lanes((sign == 0 ? largest : -largest) / end_of(grid));
    for (const Lanes& reach : kReaches) keep_better(best, refit_scale(values, grid, top / reach));
  }
  const Lanes coarse = lanes(best.scale[lanes_argmin(best.error)]);
  for (const Lanes& shift : kScaleShifts) {
    keep_better(best, refit_scale(values, grid, coarse + coarse * shift * lanes(second_reach(grid))));
  }
  for (int i = 0; i < kPolishRounds; ++i) keep_better(best, refit_scale(values, grid, best.scale));
  const int lane = lanes_argmin(best.error);
  return {best.scale[lane], best.error[lane]};
}

template <typename Grid>
Lanes scale_error_on(const Weighted& values, const Grid& grid, Lanes scale) {
  const Lanes inverse = reciprocal_or_zero(scale);
  Lanes error{};
  for (int i = 0; i < values.n; ++i) {
    const Lanes x = lanes(values.x[i]);
    const Lanes e = x - scale * nearest(x * inverse, grid);
    error += lanes(values.w[i]) * e * e;
  }
  return error;
}

// Sums over a group after rounding with some scale and offset: e is what is left of x, q the integer.
struct AffineSums {
  Lanes ee{}, eq{}, e{}, q{}, qq{};
};

AffineSums sum_affine(const Weighted& values, float hi, Lanes scale, Lanes offset) {
  const IntegerGrid grid{0.0f, hi};
  const Lanes inverse = reciprocal_or_zero(scale);
  AffineSums sums;
  for (int i = 0; i < values.n; ++i) {
    const Lanes x = lanes(values.x[i]) - offset;
    const Lanes w = lanes(values.w[i]);
    const Lanes q = nearest(x * inverse, grid);
    const Lanes e = x - scale * q;
    const Lanes we = w * e;
    const Lanes wq = w * q;
    sums.ee += we * e;
    sums.eq += we * q;
    sums.e += we;
    sums.q += wq;
    sums.qq += wq * q;
  }
  return sums;
}

struct AffineLanes {
  Lanes scale, offset, error;
};

// The best scale and offset for the integers behind `sums`, which were found with `scale` and `offset`. Where all
// integers are equal, or the best offset would be out of bounds, only the scale is fitted.
AffineLanes refit_affine(const AffineSums& sums, float total_weight, float offset_max, Lanes scale, Lanes offset) {
  const Lanes weight = lanes(total_weight);
  const Lanes determinant = weight * sums.qq - sums.q * sums.q;
  const LaneMask singular = determinant <= lanes(kTiny);
  const Lanes safe = lanes_max(determinant, lanes(kTiny));
  Lanes offset_step = (sums.qq * sums.e - sums.q * sums.eq) / safe;
  offset_step = singular ? lanes(0.0f) : lanes_min(offset_step, lanes(offset_max) - offset);
  const Lanes scale_step = (sums.eq - offset_step * sums.q) / lanes_max(sums.qq, lanes(kTiny));
  const Lanes error = sums.ee - lanes(2.0f) * (scale_step * sums.eq + offset_step * sums.e) +
                      scale_step * scale_step * sums.qq + lanes(2.0f) * scale_step * offset_step * sums.q +
                      offset_step * offset_step * weight;
  return {scale + scale_step, offset + offset_step, error};
}

// The search of fit_affine.
struct AffineSearch {
  const Weighted& values;
  float hi;
  float offset_max;
  float total_weight;
  AffineLanes best{{}, {}, lanes(INFINITY)};

  void consider(Lanes scale, Lanes offset) {
    const AffineSums sums = sum_affine(values, hi, scale, offset);
    const AffineLanes candidate = refit_affine(sums, total_weight, offset_max, scale, offset);
    const LaneMask better = candidate.error < best.error;
    best.scale = better ? candidate.scale : best.scale;
    best.offset = better ? candidate.offset : best.offset;
    best.error = better ? candidate.error : best.error;
  }

  // Grids from `bottom` to `top`, but not much narrower than `span`.
  void consider_ends(float top, Lanes bottom, float span) {
    const Lanes offset = lanes_min(bottom, lanes(offset_max));
    consider(lanes_max(lanes(top) - offset, lanes(kLeastSpan * span)) / lanes(hi), offset);
  }
};

}  // namespace

ScaleFit fit_scale(const Weighted& values, const IntegerGrid& grid) {
  return fit_scale_to(values, grid);
}
ScaleFit fit_scale(const Weighted& values, const LevelGrid& grid) {
  return fit_scale_to(values, grid);
}

ScaleFit polish_scale(const Weighted& values, const IntegerGrid& grid, float scale) {
  ScaleLanes best{lanes(scale), lanes(INFINITY)};
  for (int i = 0; i < kPolishRounds; ++i) keep_better(best, refit_scale(values, grid, best.scale));
  return {best.scale[0], best.error[0]};
}

Lanes scale_error(const Weighted& values, const IntegerGrid& grid, Lanes scale) {
  return scale_error_on(values, grid, scale);
}

Lanes scale_error(const Weighted& values, const LevelGrid& grid, Lanes scale) {
  return scale_error_on(values, grid, scale);
}

void round_to_grid(const Weighted& values, const IntegerGrid& grid, float scale, int8_t* q) {
  const float inverse = reciprocal_or_zero(lanes(scale))[0];
  for (int i = 0; i < values.n; ++i) q[i] = static_cast<int8_t>(nearest(lanes(values.x[i] * inverse), grid)[0]);
}

void round_to_grid(const Weighted& values, const LevelGrid& grid, float scale, int8_t* q) {
  const float inverse = reciprocal_or_zero(lanes(scale))[0];
  for (int i = 0; i < values.n; ++i) {
    q[i] = grid.index_of_cell[cell_of(lanes(values.x[i] * inverse))[0]];
  }
}

AffineFit fit_affine(const Weighted& values, float hi, float offset_max) {
  float low = offset_max;
  float high = values.x[0];
  float total_weight = 0.0f;
  for (int i = 0; i < values.n; ++i) {
    low = std::fmin(low, values.x[i]);
    high = std::fmax(high, values.x[i]);
    total_weight += values.w[i];
  }
  if (high <= low) return {0.0f, low, 0.0f};
  AffineSearch search{values, hi, offset_max, total_weight};
  const float span = high - low;
  for (int i = 0; i < 4; ++i) search.consider_ends(high - span * kCuts[i], lanes(low) + lanes(span) * kCuts, span);
  const int lane = lanes_argmin(search.best.error);
  const float scale = search.best.scale[lane];
  const float bottom = search.best.offset[lane];
  for (int i = 0; i < 4; ++i) {
    search.consider_ends(bottom + scale * (hi + kEndShifts[i]), lanes(bottom) + lanes(scale) * kEndShifts, span);
  }
  for (int i = 0; i < kPolishRounds; ++i) search.consider(search.best.scale, search.best.offset);
  const int best = lanes_argmin(search.best.error);
  return {search.best.scale[best], search.best.offset[best], search.best.error[best]};
}

Lanes affine_error(const Weighted& values, float hi, Lanes scale, Lanes offset) {
  const IntegerGrid grid{0.0f, hi};
  const Lanes inverse = reciprocal_or_zero(scale);
  Lanes error{};
  for (int i = 0; i < values.n; ++i) {
    const Lanes x = lanes(values.x[i]) - offset;
    const Lanes e = x - scale * nearest(x * inverse, grid);
    error += lanes(values.w[i]) * e * e;
  }
  return error;
}

void round_affine(const Weighted& values, float hi, float scale, float offset, int8_t* q) {
  const float inverse = reciprocal_or_zero(lanes(scale))[0];
  for (int i = 0; i < values.n; ++i) {
    q[i] = static_cast<int8_t>(nearest(lanes((values.x[i] - offset) * inverse), IntegerGrid{0.0f, hi})[0]);
  }
}

}  // namespace ondol
