// The searches against slow references that try very many scales.
#include "quant/scale_search.h"

#include <random>

#include "quant/iq4_nl.h"
#include "tests/precompiled.h"

namespace ondol {
namespace {

struct Sample {
  std::vector<float> x;
  std::vector<float> w;

  Weighted all() const { return {x.data(), w.data(), static_cast<int>(x.size())}; }
};

Sample sample(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Sample result;
  for (size_t i = 0; i < n; ++i) {
    result.x.push_back(normal(random));
    result.w.push_back(std::exp(normal(random)));
  }
  return result;
}

double error_of(const Sample& sample, const std::vector<double>& grid, double scale, double offset) {
  double error = 0.0;
  for (size_t i = 0; i < sample.x.size(); ++i) {
    double best = INFINITY;
    for (const double q : grid) best = std::min(best, std::fabs(sample.x[i] - offset - scale * q));
    error += sample.w[i] * best * best;
  }
  return error;
}

double best_error(const Sample& sample, const std::vector<double>& grid) {
  double best = INFINITY;
  double largest = 0.0;
  for (const float x : sample.x) largest = std::max(largest, std::fabs(static_cast<double>(x)));
  const double end = std::max(std::fabs(grid.front()), std::fabs(grid.back()));
  for (int i = 1; i <= 3000; ++i) {
    const double scale = 2.0 * largest / end * i / 3000;
    best = std::min({best, error_of(sample, grid, scale, 0.0), error_of(sample, grid, -scale, 0.0)});
  }
  return best;
}

std::vector<double> integers(int lo, int hi) {
  std::vector<double> grid;
  for (int q = lo; q <= hi; ++q) grid.push_back(q);
  return grid;
}

// Sums over many samples: a search that misses a little now and then is good enough.
constexpr uint32_t kSamples = 20;

TEST(ScaleSearch, ComesCloseToTheBestScaleForIntegers) {
  for (const auto& [lo, hi] : {std::pair{-4, 3}, {-8, 7}, {-16, 15}, {-32, 31}}) {
    double found = 0.0;
    double best = 0.0;
    for (uint32_t seed = 0; seed < kSamples; ++seed) {
      const Sample values = sample(16, seed);
      const IntegerGrid grid{static_cast<float>(lo), static_cast<float>(hi)};
      const ScaleFit fit = fit_scale(values.all(), grid);
      EXPECT_NEAR(scale_error(values.all(), grid, lanes(fit.scale))[0], fit.error, 0.02 * fit.error + 1e-6);
      found += error_of(values, integers(lo, hi), fit.scale, 0.0);
      best += best_error(values, integers(lo, hi));
    }
    EXPECT_LE(found, (hi < 31 ? 1.04 : 1.25) * best) << lo;
  }
}

TEST(ScaleSearch, ComesCloseToTheBestScaleForLevels) {
  constexpr LevelGrid kGrid = level_grid(kIq4Levels);
  const std::vector<double> levels(std::begin(kIq4Levels), std::end(kIq4Levels));
  double found = 0.0;
  double best = 0.0;
  for (uint32_t seed = 0; seed < kSamples; ++seed) {
    const Sample values = sample(32, seed);
    found += error_of(values, levels, fit_scale(values.all(), kGrid).scale, 0.0);
    best += best_error(values, levels);
  }
  EXPECT_LE(found, 1.03 * best);
}

TEST(ScaleSearch, RoundsToTheNearestLevel) {
  constexpr LevelGrid kGrid = level_grid(kIq4Levels);
  for (float x = -140.0f; x < 140.0f; x += 0.37f) {
    const float w = 1.0f;
    int8_t index;
    round_to_grid({&x, &w, 1}, kGrid, 1.0f, &index);
    for (const int8_t level : kIq4Levels) EXPECT_LE(std::fabs(x - kIq4Levels[index]), std::fabs(x - level)) << x;
  }
}

TEST(ScaleSearch, ComesCloseToTheBestScaleAndOffset) {
  for (const int hi : {3, 15}) {
    double found = 0.0;
    double best = 0.0;
    for (uint32_t seed = 0; seed < kSamples; ++seed) {
      const Sample values = sample(16, seed);
      const AffineFit fit = fit_affine(values.all(), static_cast<float>(hi), 1e30f);
      found += error_of(values, integers(0, hi), fit.scale, fit.offset);
      double sample_best = INFINITY;
      const auto [low, high] = std::minmax_element(values.x.begin(), values.x.end());
      const double span = static_cast<double>(*high) - *low;
      for (int i = -4; i < 56; ++i) {
        for (int j = -4; j + i < 56; ++j) {
          const double offset = *low + span * i / 64;
          const double scale = span * (64 - i - j) / 64 / hi;
          sample_best = std::min(sample_best, error_of(values, integers(0, hi), scale, offset));
        }
      }
      best += sample_best;
    }
    EXPECT_LE(found, 1.02 * best) << hi;
  }
}

TEST(ScaleSearch, KeepsTheOffsetWithinItsBound) {
  for (uint32_t seed = 0; seed < kSamples; ++seed) {
    Sample values = sample(32, seed);
    for (float& x : values.x) x += 1.5f;
    const AffineFit fit = fit_affine(values.all(), 15.0f, 0.0f);
    EXPECT_LE(fit.offset, 0.0f);
    EXPECT_LT(fit.error, 0.02f * 32.0f);
  }
}

}  // namespace
}  // namespace ondol
