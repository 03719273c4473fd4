#include "backend/cpu/route.h"

#include <algorithm>
#include <limits>

namespace ondol::cpu {
namespace {

/// Below this, scores are as good as zero; dividing by less would make noise.
constexpr float kSmallestSum = 1e-20f;
constexpr float kOut = -std::numeric_limits<float>::infinity();

/// The index of the largest of n values that `taken` leaves; equal values go to the lowest index.
int best_of(const float* values, const float* taken, int n) {
  int best = -1;
  for (int i = 0; i < n; ++i) {
    if (taken[i] == 0 && (best < 0 || values[i] > values[best])) best = i;
  }
  return best;
}

float group_score(const float* values, int n, bool top2) {
  float first = kOut;
  float second = kOut;
  for (int i = 0; i < n; ++i) {
    if (values[i] > first) {
      second = first;
      first = values[i];
    } else if (values[i] > second) {
      second = values[i];
    }
  }
  return top2 && n > 1 ? first + second : first;
}

/// Marks the experts of all groups but the best as taken. `scores` and `chosen` hold n_groups floats each.
void keep_best_groups(const float* selection, int n_experts, const RouteParams& params, float* scores, float* chosen,
                      float* taken) {
  const int size = n_experts / params.n_groups;
  for (int g = 0; g < params.n_groups; ++g) {
    scores[g] = group_score(selection + g * size, size, params.group_score_top2);
    chosen[g] = 0;
  }
  for (int i = 0; i < params.n_groups_used; ++i) chosen[best_of(scores, chosen, params.n_groups)] = 1;
  for (int e = 0; e < n_experts; ++e) taken[e] = chosen[e / size] == 0 ? 1.0f : 0.0f;
}

}  // namespace

void route_row(const CpuKernels& kernels, const float* logits, int n_experts, const RouteParams& params, float* scratch,
               int32_t* ids, float* weights) {
  float* scores = scratch;
  float* selection = scratch + n_experts;
  float* taken = scratch + 2 * n_experts;
  std::copy(logits, logits + n_experts, scores);
  if (params.score == RouteParams::Score::kSoftmax) kernels.softmax(scores, n_experts);
  if (params.score == RouteParams::Score::kSigmoid) kernels.sigmoid(scores, n_experts);
  std::copy(scores, scores + n_experts, selection);
  if (!params.selection_bias.empty()) kernels.add(selection, params.selection_bias.f32(), n_experts);
  std::fill(taken, taken + n_experts, 0.0f);
  if (params.n_groups > 1 && params.n_groups_used < params.n_groups) {
    float* scores_of_groups = scratch + 3 * n_experts;
    keep_best_groups(selection, n_experts, params, scores_of_groups, scores_of_groups + params.n_groups, taken);
  }

  for (int i = 0; i < params.n_used; ++i) {
    const int expert = best_of(selection, taken, n_experts);
    taken[expert] = 1;
    ids[i] = expert;
    weights[i] = scores[expert];
  }
  if (params.score == RouteParams::Score::kSoftmaxOfChosen) kernels.softmax(weights, params.n_used);
  if (params.normalize) {
    float sum = 0;
    for (int i = 0; i < params.n_used; ++i) sum += weights[i];
    for (int i = 0; i < params.n_used; ++i) weights[i] /= std::max(sum, kSmallestSum);
  }
  for (int i = 0; i < params.n_used; ++i) weights[i] *= params.scale;
}

}  // namespace ondol::cpu
