#include "quant/two_level_search.h"

#include <algorithm>
#include <cmath>

namespace ondol {
namespace {

constexpr int kRounds = 2;

Weighted sub_block(const BlockInput& input, int size, int j) {
  return input.part(j * size, size);
}

float value_of(const IntegerGrid&, int8_t q) {
  return static_cast<float>(q);
}
float value_of(const LevelGrid& grid, int8_t q) {
  return grid.level[q];
}

// How many units `ideal` is, kept where integers are small; 0 if a unit is nothing.
float in_units(float ideal, float unit) {
  return unit == 0.0f ? 0.0f : std::clamp(ideal / unit, -256.0f, 256.0f);
}

// The four integers around `ideal`, the nearest two in the middle, within the bounds.
struct Around {
  int at[4];

  Around(float ideal, int lowest, int highest) {
    const int floor = static_cast<int>(std::floor(ideal));
    for (int k = 0; k < 4; ++k) at[k] = std::clamp(floor - 1 + k, lowest, highest);
  }

  Lanes times(float unit) const {
    return lanes(unit) * Lanes{static_cast<float>(at[0]), static_cast<float>(at[1]), static_cast<float>(at[2]),
                               static_cast<float>(at[3])};
  }
};

template <typename Grid>
class ScaleSearch {
 public:
  ScaleSearch(const BlockInput& input, const Grid& grid, const ScaleLayout& layout)
      : input_(input), grid_(grid), layout_(layout) {}

  ScaleCode run() {
    float extreme = 0.0f;
    for (int j = 0; j < layout_.count; ++j) {
      ideal_[j] = fit_scale(part(j), grid_).scale;
      if (std::fabs(ideal_[j]) > std::fabs(extreme)) extreme = ideal_[j];
    }
    ScaleCode best{};
    float best_error = INFINITY;
    float d = extreme / static_cast<float>(layout_.lowest);
    for (int round = 0; round < kRounds; ++round) {
      ScaleCode code{};
      code.d = half_of(input_, d);
      float error = 0.0f;
      for (int j = 0; j < layout_.count; ++j) error += choose_scale(code, j);
      if (error < best_error) {
        best = code;
        best_error = error;
      }
      d = refit(code);
    }
    round_all(best);
    return best;
  }

 private:
  Weighted part(int j) const { return sub_block(input_, layout_.size, j); }

  // Sets the integer scale of sub-block j and returns its error.
  float choose_scale(ScaleCode& code, int j) const {
    const float d = scale_of(input_, code.d);
    const Around scales(in_units(ideal_[j], d), layout_.lowest, layout_.highest);
    const Lanes error = scale_error(part(j), grid_, scales.times(d));
    const int lane = lanes_argmin(error);
    code.scale[j] = static_cast<int8_t>(scales.at[lane]);
    return error[lane];
  }

  void round_all(ScaleCode& code) const {
    const float d = scale_of(input_, code.d);
    for (int j = 0; j < layout_.count; ++j) {
      round_to_grid(part(j), grid_, d * static_cast<float>(code.scale[j]), code.q + j * layout_.size);
    }
  }

  // The best super-scale for the integers of `code`.
  float refit(ScaleCode& code) const {
    round_all(code);
    double aa = 0.0;
    double ax = 0.0;
    for (int i = 0; i < input_.n; ++i) {
      const float a = static_cast<float>(code.scale[i / layout_.size]) * value_of(grid_, code.q[i]);
      aa += input_.w[i] * a * a;
      ax += input_.w[i] * a * input_.x[i];
    }
    return aa > 0.0 ? static_cast<float>(ax / aa) : 0.0f;
  }

  const BlockInput& input_;
  const Grid& grid_;
  const ScaleLayout& layout_;
  float ideal_[kMaxSubBlocks];
};

class AffineTwoLevelSearch {
 public:
  AffineTwoLevelSearch(const BlockInput& input, const AffineLayout& layout) : input_(input), layout_(layout) {}

  AffineCode run() {
    float d = 0.0f;
    float dmin = 0.0f;
    for (int j = 0; j < layout_.count; ++j) {
      ideal_[j] = fit_affine(part(j), layout_.hi, 0.0f);
      ideal_[j].scale = std::max(ideal_[j].scale, 0.0f);
      d = std::max(d, ideal_[j].scale / static_cast<float>(layout_.highest));
      dmin = std::max(dmin, -ideal_[j].offset / static_cast<float>(layout_.highest));
    }
    AffineCode best{};
    float best_error = INFINITY;
    for (int round = 0; round < kRounds; ++round) {
      AffineCode code{};
      code.d = half_of(input_, std::max(d, 0.0f));
      code.dmin = half_of(input_, std::max(dmin, 0.0f));
      float error = 0.0f;
      for (int j = 0; j < layout_.count; ++j) error += choose_scale_and_min(code, j);
      if (error < best_error) {
        best = code;
        best_error = error;
      }
      refit(code, d, dmin);
    }
    round_all(best);
    return best;
  }

 private:
  Weighted part(int j) const { return sub_block(input_, layout_.size, j); }

  float choose_scale_and_min(AffineCode& code, int j) const {
    const float d = scale_of(input_, code.d);
    const float dmin = scale_of(input_, code.dmin);
    const Around scales(in_units(ideal_[j].scale, d), 0, layout_.highest);
    const int center = static_cast<int>(std::lround(in_units(-ideal_[j].offset, dmin)));
    float best = INFINITY;
    for (int min = std::max(center - 1, 0); min <= std::min(center + 1, layout_.highest); ++min) {
      const Lanes offset = lanes(-dmin * static_cast<float>(min));
      const Lanes error = affine_error(part(j), layout_.hi, scales.times(d), offset);
      const int lane = lanes_argmin(error);
      if (error[lane] >= best) continue;
      best = error[lane];
      code.scale[j] = static_cast<uint8_t>(scales.at[lane]);
      code.min[j] = static_cast<uint8_t>(min);
    }
    return best;
  }

  void round_all(AffineCode& code) const {
    const float d = scale_of(input_, code.d);
    const float dmin = scale_of(input_, code.dmin);
    for (int j = 0; j < layout_.count; ++j) {
      round_affine(part(j), layout_.hi, d * static_cast<float>(code.scale[j]), -dmin * static_cast<float>(code.min[j]),
                   code.q + j * layout_.size);
    }
  }

  // The best super-scales for the integers of `code`: x = d * a + dmin * b with a = scale * q and b = -min.
  void refit(AffineCode& code, float& d, float& dmin) const {
    round_all(code);
    double aa = 0.0, ab = 0.0, bb = 0.0, ax = 0.0, bx = 0.0;
    for (int i = 0; i < input_.n; ++i) {
      const float w = input_.w[i];
      const float a = static_cast<float>(code.scale[i / layout_.size] * code.q[i]);
      const auto b = static_cast<float>(-code.min[i / layout_.size]);
      aa += w * a * a;
      ab += w * a * b;
      bb += w * b * b;
      ax += w * a * input_.x[i];
      bx += w * b * input_.x[i];
    }
    const double determinant = aa * bb - ab * ab;
    if (determinant > 1e-9 * aa * bb) {
      d = static_cast<float>((ax * bb - bx * ab) / determinant);
      dmin = static_cast<float>((bx * aa - ax * ab) / determinant);
    } else if (aa > 0.0) {
      d = static_cast<float>((ax - dmin * ab) / aa);
    }
  }

  const BlockInput& input_;
  const AffineLayout& layout_;
  AffineFit ideal_[kMaxSubBlocks];
};

}  // namespace

ScaleCode fit_two_levels(const BlockInput& input, const IntegerGrid& grid, const ScaleLayout& layout) {
  return ScaleSearch<IntegerGrid>(input, grid, layout).run();
}

ScaleCode fit_two_levels(const BlockInput& input, const LevelGrid& grid, const ScaleLayout& layout) {
  return ScaleSearch<LevelGrid>(input, grid, layout).run();
}

AffineCode fit_two_levels(const BlockInput& input, const AffineLayout& layout) {
  return AffineTwoLevelSearch(input, layout).run();
}

}  // namespace ondol
