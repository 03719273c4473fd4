#include "runtime/draft_policy.h"

#include <algorithm>

namespace ondol {
namespace {

/// Where nothing was measured, another row is taken to add this share of a pass over one.
constexpr double kRowCost = 0.15;
/// The first passes touch memory for the first time.
constexpr int kPlainPassesFirst = 2;
/// A draft has to promise this much more than none.
constexpr double kGain = 1.05;
constexpr double kNewestGuess = 1.0 / 24;
constexpr double kNewestPass = 1.0 / 8;
/// How far a cost moves back towards what is assumed with every pass; so what was once slow by accident is tried again.
constexpr double kForget = 1.0 / 256;

/// Longer runs that agree predict better.
size_t class_of(int match) {
  if (match < 4) return 0;
  if (match < 8) return 1;
  return match < 16 ? 2 : 3;
}

/// The mean with the newest measurement. A pass that something else on the machine held up says little.
double with_newest(double mean, double measured) {
  return mean + kNewestPass * (std::min(measured, 2 * mean) - mean);
}

}  // namespace

int DraftPolicy::choose(int match, int most) const {
  if (n_plain_passes_ < kPlainPassesFirst) return 0;
  double best = kGain;
  int chosen = 0;
  double n_tokens = 1.0;
  double all_right = 1.0;
  double cost = 1.0;
  for (int n = 1; n <= std::min(most, kMostGuesses); ++n) {
    all_right *= hits_[class_of(match + n - 1)].share;
    n_tokens += all_right;
    const double measured = cost_[static_cast<size_t>(n) + 1];
    cost = measured > 0 ? measured : cost + kRowCost;
    if (n_tokens / cost <= best) continue;
    best = n_tokens / cost;
    chosen = n;
  }
  return chosen;
}

void DraftPolicy::saw_guess(int match, bool was_right) {
  Hits& hits = hits_[class_of(match)];
  ++hits.n_seen;
  // What was assumed counts as much as one guess.
  const double newest = std::max(kNewestGuess, 1.0 / (hits.n_seen + 1));
  hits.share += newest * ((was_right ? 1.0 : 0.0) - hits.share);
}

void DraftPolicy::saw_pass(int n_rows, double seconds) {
  if (n_rows == 1) {
    ++n_plain_passes_;
    plain_seconds_ = n_plain_passes_ <= kPlainPassesFirst ? seconds : with_newest(plain_seconds_, seconds);
  } else if (plain_seconds_ > 0) {
    // Relative to a plain pass, because both take longer as the text grows or the machine gets busy.
    double& cost = cost_[static_cast<size_t>(n_rows)];
    const double newest = seconds / plain_seconds_;
    cost = cost <= 0 ? newest : with_newest(cost, newest);
  }
  for (size_t n = 2; n < cost_.size(); ++n) {
    const double assumed = 1.0 + kRowCost * static_cast<double>(n - 1);
    if (cost_[n] > 0) cost_[n] += kForget * (assumed - cost_[n]);
  }
}

}  // namespace ondol
