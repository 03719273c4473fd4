#include "runtime/draft_policy.h"

#include <algorithm>

namespace ondol {
namespace {

/// Where nothing was measured, another row is taken to add this share of a pass over one.
constexpr double kRowShare = 0.15;
/// The first passes touch memory for the first time.
constexpr int kPlainPassesFirst = 2;
/// A draft has to promise this much more than none.
constexpr double kGain = 1.03;
constexpr double kNewestGuess = 1.0 / 24;
constexpr double kNewestPass = 1.0 / 8;
/// How far an old measurement moves back towards what is assumed, each time that something else is measured; so a pass
/// that was once slow by accident is tried again.
constexpr double kForget = 1.0 / 256;

/// Longer runs that agree predict better.
size_t class_of(int match) {
  if (match < 4) return 0;
  if (match < 8) return 1;
  return match < 16 ? 2 : 3;
}

}  // namespace

int DraftPolicy::choose(int match, int most) const {
  if (n_plain_passes_ < kPlainPassesFirst) return 0;
  double best = kGain / seconds_[1];
  int chosen = 0;
  double n_tokens = 1.0;
  double all_right = 1.0;
  double seconds = seconds_[1];
  for (int n = 1; n <= std::min(most, kMostGuesses); ++n) {
    all_right *= hits_[class_of(match + n - 1)].share;
    n_tokens += all_right;
    const double measured = seconds_[static_cast<size_t>(n) + 1];
    seconds = measured > 0 ? measured : seconds + kRowShare * seconds_[1];
    if (n_tokens / seconds <= best) continue;
    best = n_tokens / seconds;
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
  const auto rows = static_cast<size_t>(n_rows);
  if (n_rows == 1) ++n_plain_passes_;
  double& mean = seconds_[rows];
  if (mean <= 0 || (n_rows == 1 && n_plain_passes_ <= kPlainPassesFirst)) {
    mean = seconds;
  } else {
    // One pass that something else on the machine held up says little.
    mean += kNewestPass * (std::min(seconds, 2 * mean) - mean);
  }
  for (size_t n = 2; n < seconds_.size(); ++n) {
    if (n == rows || seconds_[n] <= 0) continue;
    const double assumed = seconds_[1] * (1.0 + kRowShare * static_cast<double>(n - 1));
    seconds_[n] += kForget * (assumed - seconds_[n]);
  }
}

}  // namespace ondol
