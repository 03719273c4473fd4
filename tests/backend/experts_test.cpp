// Routing and mixtures of experts against plain double loops.
#include <algorithm>
#include <numeric>

#include "tests/backend/testing.h"

namespace ondol {
namespace {

using testing::Matrix;
using testing::Random;
using Score = RouteParams::Score;

struct Choice {
  std::vector<int32_t> ids;
  std::vector<float> weights;
};

Choice route(Backend& backend, const Matrix& logits, const RouteParams& params) {
  const auto n = static_cast<size_t>(logits.tensor.rows() * params.n_used);
  Choice choice{std::vector<int32_t>(n), std::vector<float>(n)};
  backend.route(logits.tensor, params, choice.ids, choice.weights);
  return choice;
}

/// The definition: score, choose by stable sorting, weigh.
Choice expected_row(const float* logits, int n_experts, const RouteParams& params) {
  std::vector<double> scores(logits, logits + n_experts);
  if (params.score == Score::kSoftmax) {
    double sum = 0;
    for (double& s : scores) sum += s = std::exp(s);
    for (double& s : scores) s /= sum;
  } else if (params.score == Score::kSigmoid) {
    for (double& s : scores) s = 1 / (1 + std::exp(-s));
  }
  std::vector<double> selection = scores;
  if (!params.selection_bias.empty()) {
    for (int e = 0; e < n_experts; ++e)
      selection[static_cast<size_t>(e)] += static_cast<double>(params.selection_bias.f32()[e]);
  }
  if (params.n_groups > 1) {
    const int size = n_experts / params.n_groups;
    std::vector<std::pair<double, int>> groups;
    for (int g = 0; g < params.n_groups; ++g) {
      std::vector<double> members(selection.begin() + g * size, selection.begin() + (g + 1) * size);
      std::sort(members.rbegin(), members.rend());
      groups.push_back({-(members[0] + (params.group_score_top2 ? members[1] : 0.0)), g});
    }
    std::sort(groups.begin(), groups.end());
    for (int i = params.n_groups_used; i < params.n_groups; ++i) {
      const int g = groups[static_cast<size_t>(i)].second;
      std::fill(selection.begin() + g * size, selection.begin() + (g + 1) * size, -INFINITY);
    }
  }
  std::vector<int32_t> order(static_cast<size_t>(n_experts));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return selection[static_cast<size_t>(a)] > selection[static_cast<size_t>(b)]; });
  order.resize(static_cast<size_t>(params.n_used));
  std::vector<double> weights;
  for (const int32_t e : order) weights.push_back(scores[static_cast<size_t>(e)]);
  if (params.score == Score::kSoftmaxOfChosen) {
    for (double& w : weights) w = std::exp(w);
  }
  if (params.score == Score::kSoftmaxOfChosen || params.normalize) {
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (double& w : weights) w /= sum;
  }
  Choice choice{order, {}};
  for (const double w : weights) choice.weights.push_back(static_cast<float>(w * static_cast<double>(params.scale)));
  return choice;
}

TEST(Route, EqualsItsDefinition) {
  Random random(29);
  const Matrix bias = random.matrix(1, 64, 0.2f);
  const std::vector<RouteParams> all = {
      {.score = Score::kSoftmax, .n_used = 1},
      {.score = Score::kSoftmax, .n_used = 8, .normalize = true},
      {.score = Score::kSoftmax, .n_used = 6, .scale = 16.0f},
      {.score = Score::kSoftmax, .n_used = 6, .n_groups = 8, .n_groups_used = 3},
      {.score = Score::kSigmoid, .n_used = 4, .normalize = true, .scale = 2.5f, .selection_bias = bias.tensor},
      {.score = Score::kSigmoid,
       .n_used = 8,
       .normalize = true,
       .n_groups = 8,
       .n_groups_used = 4,
       .group_score_top2 = true,
       .selection_bias = bias.tensor},
      {.score = Score::kSoftmaxOfChosen, .n_used = 4},
      {.score = Score::kSoftmaxOfChosen, .n_used = 64},
  };
  for (const std::string& isa : testing::instruction_sets()) {
    auto backend = testing::backend(isa);
    for (size_t p = 0; p < all.size(); ++p) {
      const Matrix logits = random.matrix(40, 64, 1.5f, 3);
      const Choice got = route(*backend, logits, all[p]);
      for (int64_t r = 0; r < 40; ++r) {
        const Choice want = expected_row(logits.tensor.f32(r), 64, all[p]);
        for (size_t i = 0; i < want.ids.size(); ++i) {
          const size_t at = static_cast<size_t>(r) * want.ids.size() + i;
          ASSERT_EQ(got.ids[at], want.ids[i]) << isa << " params " << p << " row " << r;
          ASSERT_NEAR(got.weights[at], want.weights[i], 2e-6f * (1 + all[p].scale)) << isa << " params " << p;
        }
      }
    }
  }
}

TEST(Route, GivesEqualScoresToTheLowerIndex) {
  auto backend = testing::backend("");
  Matrix logits(1, 8);
  for (int e = 0; e < 8; ++e) logits.at(0, e) = e % 2 == 1 ? 3.0f : 1.0f;
  const Choice got = route(*backend, logits, {.score = Score::kSoftmax, .n_used = 5});
  EXPECT_EQ(got.ids, (std::vector<int32_t>{1, 3, 5, 7, 0}));
}

TEST(Route, ChoosesDifferentExpertsEvenOfNoNumbers) {
  auto backend = testing::backend("");
  Matrix logits(1, 4);
  for (int e = 0; e < 4; ++e) logits.at(0, e) = NAN;
  Choice got = route(*backend, logits, {.score = Score::kSigmoid, .n_used = 3});
  std::sort(got.ids.begin(), got.ids.end());
  EXPECT_EQ(std::unique(got.ids.begin(), got.ids.end()), got.ids.end());
  for (const int32_t id : got.ids) EXPECT_TRUE(id >= 0 && id < 4);
}

/// Experts with random F32 weights, and biases for some.
struct RandomExperts {
  RandomExperts(Random& random, int n, int width, int hidden, bool biased) {
    for (int e = 0; e < n; ++e) {
      const std::pair<std::vector<Weight>*, std::pair<int, int>> parts[] = {
          {&experts.gate, {hidden, width}}, {&experts.up, {hidden, width}}, {&experts.down, {width, hidden}}};
      for (const auto& [list, shape] : parts) {
        matrices.push_back(random.matrix(shape.first, shape.second, 0.2f));
        Weight weight{matrices.back().tensor, {}};
        if (biased) {
          matrices.push_back(random.matrix(1, shape.first, 0.2f));
          weight.bias = matrices.back().tensor.reshaped({shape.first});
        }
        list->push_back(weight);
      }
    }
  }

  Experts experts;
  std::vector<Matrix> matrices;
};

std::vector<double> times(const Weight& weight, const std::vector<double>& x) {
  std::vector<double> result;
  for (int64_t h = 0; h < weight.matrix.rows(); ++h) {
    double sum = weight.bias.empty() ? 0.0 : static_cast<double>(weight.bias.f32()[h]);
    for (size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(weight.matrix.f32(h)[i]) * x[i];
    result.push_back(sum);
  }
  return result;
}

std::vector<double> mlp(const Weight& gate, const Weight& up, const Weight& down, const std::vector<double>& x) {
  std::vector<double> hidden = times(gate, x);
  const std::vector<double> other = times(up, x);
  for (size_t i = 0; i < hidden.size(); ++i) hidden[i] = hidden[i] / (1 + std::exp(-hidden[i])) * other[i];
  return times(down, hidden);
}

TEST(ExpertsMlp, EqualsPlainLoops) {
  constexpr int kExperts = 7;
  for (const std::string& isa : testing::instruction_sets()) {
    for (const bool biased : {false, true}) {
      for (const int rows : {1, 2, 9, 33}) {
        for (const int n_used : {1, 3}) {
          Random random(31);
          RandomExperts experts(random, kExperts, 32, 64, biased);
          const Matrix x = random.matrix(rows, 32, 1.0f, 5);
          std::vector<int32_t> ids;
          std::vector<float> weights;
          for (int r = 0; r < rows; ++r) {
            const int first = random.below(kExperts);
            for (int i = 0; i < n_used; ++i) {
              ids.push_back((first + 2 * i) % kExperts);
              weights.push_back(0.1f + std::fabs(random.normal()));
            }
          }
          const Matrix before = random.matrix(rows, 32, 1.0f, 4);
          Matrix want = testing::copy_of(before);
          for (int r = 0; r < rows; ++r) {
            for (int i = 0; i < n_used; ++i) {
              const auto at = static_cast<size_t>(r * n_used + i);
              const auto e = static_cast<size_t>(ids[at]);
              const std::vector<double> row(x.tensor.f32(r), x.tensor.f32(r) + 32);
              const auto y = mlp(experts.experts.gate[e], experts.experts.up[e], experts.experts.down[e], row);
              for (int c = 0; c < 32; ++c) want.at(r, c) += weights[at] * static_cast<float>(y[static_cast<size_t>(c)]);
            }
          }
          Matrix first_result;
          for (const int n_threads : {1, 2, 3}) {
            auto backend = testing::backend(isa, n_threads);
            Matrix out = testing::copy_of(before);
            backend->experts_mlp(x.tensor, experts.experts, ids, weights, {}, out.tensor);
            EXPECT_LT(testing::largest_error(out, want, 1.0), 1e-5) << isa << " rows " << rows << " used " << n_used;
            EXPECT_TRUE(out.gaps_untouched());
            if (n_threads == 1) first_result = testing::copy_of(out);
            EXPECT_TRUE(testing::same_bits(out, first_result)) << isa << " threads " << n_threads;
          }
        }
      }
    }
  }
}

TEST(ExpertsMlp, TakesARowThatNamesAnExpertTwice) {
  auto backend = testing::backend("");
  Random random(37);
  RandomExperts experts(random, 2, 32, 32, false);
  const Matrix x = random.matrix(1, 32);
  Matrix twice(1, 32);
  Matrix once(1, 32);
  backend->scale(twice.tensor, 0.0f);
  backend->scale(once.tensor, 0.0f);
  backend->experts_mlp(x.tensor, experts.experts, std::vector<int32_t>{1, 1}, std::vector<float>{0.5f, 0.25f}, {},
                       twice.tensor);
  backend->experts_mlp(x.tensor, experts.experts, std::vector<int32_t>{1}, std::vector<float>{0.75f}, {}, once.tensor);
  EXPECT_LT(testing::largest_error(twice, once, 1e-3), 1e-5);
}

TEST(GatedMlp, EqualsPlainLoopsAndAccumulates) {
  for (const std::string& isa : testing::instruction_sets()) {
    auto backend = testing::backend(isa);
    for (const int rows : {1, 5, 17}) {
      Random random(41);
      RandomExperts one(random, 1, 64, 96, true);
      const Matrix x = random.matrix(rows, 64, 1.0f, 5);
      for (const bool accumulate : {false, true}) {
        const Matrix before = random.matrix(rows, 64, 1.0f, 2);
        Matrix want = testing::copy_of(before);
        for (int r = 0; r < rows; ++r) {
          const std::vector<double> row(x.tensor.f32(r), x.tensor.f32(r) + 64);
          const auto y = mlp(one.experts.gate[0], one.experts.up[0], one.experts.down[0], row);
          for (int c = 0; c < 64; ++c)
            want.at(r, c) = (accumulate ? before.at(r, c) : 0.0f) + static_cast<float>(y[static_cast<size_t>(c)]);
        }
        Matrix out = testing::copy_of(before);
        backend->gated_mlp(x.tensor, one.experts.gate[0], one.experts.up[0], one.experts.down[0], {}, out.tensor,
                           accumulate);
        EXPECT_LT(testing::largest_error(out, want, 1.0), 1e-5) << isa << " rows " << rows;
        EXPECT_TRUE(out.gaps_untouched());
      }
    }
  }
}

TEST(LinearHeads, MultipliesEachHeadByItsOwnMatrix) {
  for (const std::string& isa : testing::instruction_sets()) {
    auto backend = testing::backend(isa);
    for (const int rows : {1, 3, 17}) {
      Random random(43);
      const Matrix x = random.matrix(rows, 3 * 64, 1.0f, 2);
      std::vector<Matrix> matrices;
      std::vector<Tensor> weights;
      for (int h = 0; h < 3; ++h) {
        matrices.push_back(random.matrix(40, 64));
        weights.push_back(matrices.back().tensor);
      }
      Matrix out(rows, 3 * 40, 5);
      backend->linear_heads(x.tensor, weights, out.tensor);
      Matrix want(rows, 3 * 40);
      for (int r = 0; r < rows; ++r) {
        for (int h = 0; h < 3; ++h) {
          const std::vector<double> part(x.tensor.f32(r) + h * 64, x.tensor.f32(r) + (h + 1) * 64);
          const auto y = times({weights[static_cast<size_t>(h)], {}}, part);
          for (int c = 0; c < 40; ++c) want.at(r, h * 40 + c) = static_cast<float>(y[static_cast<size_t>(c)]);
        }
      }
      EXPECT_LT(testing::largest_error(out, want, 1.0), 2e-5) << isa << " rows " << rows;
      EXPECT_TRUE(out.gaps_untouched());
    }
  }
}

}  // namespace
}  // namespace ondol
