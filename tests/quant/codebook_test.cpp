// The neighbour lists of Codebook against comparing with every entry.
#include "quant/codebook.h"

#include <random>

#include "quant/iq_grids.h"
#include "tests/precompiled.h"

namespace ondol {
namespace {

template <typename Grid>
int nearest_of_all(const Grid& grid, const float* v, const float* w) {
  constexpr int kEntries = sizeof(grid.entry) / sizeof(grid.entry[0]);
  constexpr int kWidth = sizeof(grid.entry[0]);
  int best = 0;
  double best_error = INFINITY;
  for (int k = 0; k < kEntries; ++k) {
    double error = 0.0;
    for (int i = 0; i < kWidth; ++i) error += w[i] * (v[i] - grid.entry[k][i]) * (v[i] - grid.entry[k][i]);
    if (error >= best_error) continue;
    best_error = error;
    best = k;
  }
  return best;
}

template <typename Grid>
double error_of(const Grid& grid, int index, const float* v, const float* w) {
  double error = 0.0;
  for (size_t i = 0; i < sizeof(grid.entry[0]); ++i) {
    error += w[i] * (v[i] - grid.entry[index][i]) * (v[i] - grid.entry[index][i]);
  }
  return error;
}

// How much more error the lists lead to than the full search, over values like those of an encoder at work.
template <typename Grid>
double excess(const Codebook& codebook, const Grid& grid, float middle, float spread) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  double found = 0.0;
  double best = 0.0;
  for (int sample = 0; sample < 2000; ++sample) {
    float v[8];
    float w[8];
    for (int i = 0; i < 8; ++i) {
      v[i] = middle + spread * normal(random);
      w[i] = std::exp(0.5f * normal(random));
    }
    found += error_of(grid, codebook.nearest(v, w), v, w);
    best += error_of(grid, nearest_of_all(grid, v, w), v, w);
  }
  return found / best - 1.0;
}

TEST(Codebook, FindsEntriesNearlyAsGoodAsTheBest) {
  EXPECT_LT(excess(iq2_xxs_codebook(), kIq2XxsGrid, 20.0f, 12.0f), 0.05);
  EXPECT_LT(excess(iq2_xs_codebook(), kIq2XsGrid, 20.0f, 12.0f), 0.05);
  EXPECT_LT(excess(iq2_s_codebook(), kIq2SGrid, 20.0f, 12.0f), 0.05);
  EXPECT_LT(excess(iq3_xxs_codebook(), kIq3XxsGrid, 25.0f, 18.0f), 0.05);
  EXPECT_LT(excess(iq3_s_codebook(), kIq3SGrid, 6.0f, 4.0f), 0.05);
  EXPECT_LT(excess(iq1_codebook(), kIq1Grid, 0.0f, 0.9f), 0.05);
}

TEST(Codebook, FindsEveryEntryItself) {
  const float w[8] = {1, 1, 1, 1, 1, 1, 1, 1};
  for (int k = 0; k < 1024; ++k) EXPECT_EQ(iq2_s_codebook().nearest(iq2_s_codebook().entry(k), w), k);
  for (int k = 0; k < 512; ++k) EXPECT_EQ(iq3_s_codebook().nearest(iq3_s_codebook().entry(k), w), k);
  for (int k = 0; k < 2048; ++k) EXPECT_EQ(iq1_codebook().nearest(iq1_codebook().entry(k), w), k);
}

}  // namespace
}  // namespace ondol
