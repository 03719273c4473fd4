#include "quant/block_input.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "quant/half.h"

namespace ondol {
namespace {

constexpr uint16_t kLargestHalf = 0x7bff;

// Unimportant elements still count a little, so that a search never sees a block without weight.
constexpr float kLeastWeight = 1e-3f;

// Keeps 1 / unit, and squares of what is divided by it, well inside the range of float.
constexpr int kMaxExponent = 100;

float finite(float value) {
  if (std::isnan(value)) return 0.0f;
  return std::clamp(value, -FLT_MAX, FLT_MAX);
}

/// Weights with a mean near 1.
void normalize(float* w, int n) {
  double sum = 0.0;
  for (int i = 0; i < n; ++i) sum += w[i];
  const double mean = sum / n;
  for (int i = 0; i < n; ++i) w[i] = mean > 0.0 ? static_cast<float>(w[i] / mean) + kLeastWeight : 1.0f;
}

/// False where nothing is important.
bool load_importance(const float* importance, int n, float* w) {
  bool any = false;
  for (int i = 0; i < n; ++i) {
    w[i] = importance[i] > 0.0f && std::isfinite(importance[i]) ? importance[i] : 0.0f;
    any = any || w[i] > 0.0f;
  }
  if (any) normalize(w, n);
  return any;
}

/// The root mean square of the block, plus twice the magnitude.
void emphasize_large(const float* x, int n, float* w) {
  double squares = 0.0;
  for (int i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * x[i];
  const auto typical = static_cast<float>(std::sqrt(squares / n));
  for (int i = 0; i < n; ++i) w[i] = typical + 2.0f * std::fabs(x[i]);
  normalize(w, n);
}

}  // namespace

void load_block(const float* values, const float* importance, int n, BlockInput& input, Emphasis emphasis) {
  input.n = n;
  float largest = 0.0f;
  for (int i = 0; i < n; ++i) {
    input.x[i] = finite(values[i]);
    largest = std::fmax(largest, std::fabs(input.x[i]));
  }
  const int exponent = largest > 0.0f ? std::clamp(std::ilogb(largest), -kMaxExponent, kMaxExponent) : 0;
  input.unit = std::ldexp(1.0f, exponent);
  input.inverse_unit = std::ldexp(1.0f, -exponent);
  for (int i = 0; i < n; ++i) input.x[i] *= input.inverse_unit;
  if (importance != nullptr && load_importance(importance, n, input.w)) return;
  if (emphasis == Emphasis::kLargeValues) {
    emphasize_large(input.x, n, input.w);
  } else {
    std::fill_n(input.w, n, 1.0f);
  }
}

uint16_t half_of(const BlockInput& input, float scale) {
  constexpr float kLargest = 65504.0f;
  return f32_to_f16(std::clamp(scale * input.unit, -kLargest, kLargest));
}

float scale_of(const BlockInput& input, uint16_t half) {
  return f16_to_f32(half) * input.inverse_unit;
}

uint16_t half_around(uint16_t half, int lane) {
  const int magnitude = half & 0x7fff;
  if (lane == 0 && magnitude > 0) return static_cast<uint16_t>(half - 1);
  if (lane == 2 && magnitude < kLargestHalf) return static_cast<uint16_t>(half + 1);
  return half;
}

Lanes scales_around(const BlockInput& input, uint16_t half) {
  return Lanes{scale_of(input, half_around(half, 0)), scale_of(input, half), scale_of(input, half_around(half, 2)),
               scale_of(input, half)};
}

}  // namespace ondol
