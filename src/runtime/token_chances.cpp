#include "runtime/token_chances.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace ondol {

TokenChances chances_of(std::span<const float> logits, TokenId chosen, int n_best) {
  constexpr float kLowest = std::numeric_limits<float>::lowest();
  const auto logit = [&](TokenId id) {
    const float value = logits[static_cast<size_t>(id)];
    return value > kLowest ? value : kLowest;  // NaN too
  };
  float best = kLowest;
  for (size_t i = 0; i < logits.size(); ++i) best = std::max(best, logit(static_cast<TokenId>(i)));
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) sum += std::exp(double{logit(static_cast<TokenId>(i))} - best);
  const double log_sum = best + std::log(sum);
  const auto logprob = [&](TokenId id) {
    return static_cast<float>(std::max(double{kLowest}, double{logit(id)} - log_sum));
  };

  TokenChances chances;
  chances.logprob = logprob(chosen);
  const size_t n = std::min(static_cast<size_t>(std::max(n_best, 0)), logits.size());
  if (n == 0) return chances;
  std::vector<TokenId> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::partial_sort(ids.begin(), ids.begin() + static_cast<long>(n), ids.end(),
                    [&](TokenId a, TokenId b) { return logit(a) != logit(b) ? logit(a) > logit(b) : a < b; });
  for (size_t i = 0; i < n; ++i) chances.best.push_back({ids[i], logprob(ids[i])});
  return chances;
}

}  // namespace ondol
