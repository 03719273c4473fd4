#include "nn/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ondol {
namespace {

/// The pair (a fraction of one) that turns `turns` times over the original context.
double pair_with_turns(const RopeParams& params, double turns) {
  const double wavelength = params.original_context / (turns * 2.0 * std::numbers::pi);
  return params.n_rotated * std::log(wavelength) / (2.0 * std::log(params.base));
}

/// For each pair, how far it is interpolated: 0 keeps its frequency, 1 divides it by the factor.
std::vector<double> yarn_ramp(const RopeParams& params) {
  double low = pair_with_turns(params, params.beta_fast);
  double high = pair_with_turns(params, params.beta_slow);
  if (params.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, params.n_rotated - 1.0);
  if (low == high) high += 0.001;  // a step instead of a division by zero, as in the authors' code
  std::vector<double> ramp(static_cast<size_t>(params.n_rotated / 2));
  for (size_t i = 0; i < ramp.size(); ++i) {
    ramp[i] = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
  }
  return ramp;
}

double dynamic_base(const RopeParams& params, int length) {
  if (length <= params.original_context || params.n_rotated <= 2) return params.base;
  const double stretch = params.factor * length / params.original_context - (params.factor - 1.0);
  return params.base * std::pow(stretch, params.n_rotated / (params.n_rotated - 2.0));
}

}  // namespace

double yarn_attention_factor(double factor, double weight) {
  return factor <= 1.0 ? 1.0 : 0.1 * weight * std::log(factor) + 1.0;
}

Rope::Rope(RopeParams params) : params_(std::move(params)) {
  const auto n_pairs = static_cast<size_t>(params_.n_rotated / 2);
  ONDOL_CHECK(params_.n_rotated > 0 && params_.n_rotated % 2 == 0);
  ONDOL_CHECK(params_.divisors.empty() || params_.divisors.size() == n_pairs);
  ONDOL_CHECK(params_.long_divisors.empty() || params_.long_divisors.size() == n_pairs);
}

int64_t Rope::changes_after() const {
  return params_.scaling == RopeParams::Scaling::kLongRope ? static_cast<int64_t>(params_.original_context) : 0;
}

std::vector<double> Rope::frequencies_at(int length) const {
  using Scaling = RopeParams::Scaling;
  const double base = params_.scaling == Scaling::kDynamic ? dynamic_base(params_, length) : params_.base;
  std::vector<double> frequencies(static_cast<size_t>(params_.n_rotated / 2));
  for (size_t i = 0; i < frequencies.size(); ++i) {
    frequencies[i] = std::pow(base, -2.0 * static_cast<double>(i) / params_.n_rotated);
  }
  if (params_.scaling == Scaling::kLinear) {
    for (double& frequency : frequencies) frequency /= params_.factor;
  }
  if (params_.scaling == Scaling::kYarn) {
    const std::vector<double> ramp = yarn_ramp(params_);
    for (size_t i = 0; i < frequencies.size(); ++i) frequencies[i] *= 1.0 - ramp[i] + ramp[i] / params_.factor;
  }
  const bool is_long = params_.scaling == Scaling::kLongRope && length > params_.original_context;
  const std::vector<float>& divisors = is_long ? params_.long_divisors : params_.divisors;
  for (size_t i = 0; i < divisors.size(); ++i) frequencies[i] /= divisors[i];
  return frequencies;
}

Tensor Rope::angles(std::span<const PositionRun> runs, Arena& arena) const {
  int64_t n_rows = 0;
  for (const PositionRun& run : runs) n_rows += run.n_rows;
  Tensor angles = arena.f32({n_rows, params_.n_rotated});
  int64_t row = 0;
  for (const PositionRun& run : runs) {
    const std::vector<double> frequencies = frequencies_at(run.length);
    for (int i = 0; i < run.n_rows; ++i, ++row) {
      float* cosines = angles.f32(row);
      float* sines = cosines + frequencies.size();
      for (size_t pair = 0; pair < frequencies.size(); ++pair) {
        const double angle = (run.first_position + i) * frequencies[pair];
        cosines[pair] = static_cast<float>(std::cos(angle) * params_.attention_factor);
        sines[pair] = static_cast<float>(std::sin(angle) * params_.attention_factor);
      }
    }
  }
  return angles;
}

}  // namespace ondol
