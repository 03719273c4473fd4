// BlockInput: one block's values and weights, made safe and comparable for the searches of the encoders.
//
// Policy for values that no model should have: NaN counts as 0, an infinity as the largest float of its sign; scales
// that do not fit F16 become the largest F16, so a huge value is cut and never becomes infinite. An importance that is
// negative or not finite counts as 0; where a whole block has no importance, its elements count as if nobody
// had said how much.
#pragma once

#include <cstdint>

#include "quant/lanes.h"
#include "quant/scale_search.h"

namespace ondol {

constexpr int kMaxBlockSize = 256;

/// Values divided by `unit`, a power of two that brings the largest magnitude to between 1 and 2; weights above 0 with
/// a mean near 1.
struct BlockInput {
  int n;
  float unit;
  float inverse_unit;
  float x[kMaxBlockSize];
  float w[kMaxBlockSize];

  Weighted part(int first, int count) const { return {x + first, w + first, count}; }
  Weighted all() const { return part(0, n); }
};

/// How much elements count where nobody says. Errors of large weights change what a model says more than their part of
/// the square sum tells; formats of few levels, which must choose, do better by counting them more.
enum class Emphasis { kNone, kLargeValues };

/// Fills `input` from `n` values; `importance` may be nullptr.
void load_block(const float* values, const float* importance, int n, BlockInput& input,
                Emphasis emphasis = Emphasis::kNone);

/// The F16 bits nearest to `scale` units, at most the largest finite F16.
uint16_t half_of(const BlockInput& input, float scale);

/// What those bits mean, in units.
float scale_of(const BlockInput& input, uint16_t half);

/// `half` and its neighbours, as scales: next smaller, itself, next larger magnitude, and itself again.
Lanes scales_around(const BlockInput& input, uint16_t half);

/// The bits of lane `lane` of scales_around.
uint16_t half_around(uint16_t half, int lane);

}  // namespace ondol
