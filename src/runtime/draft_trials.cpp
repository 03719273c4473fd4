#include "runtime/draft_trials.h"

#include <algorithm>
#include <cmath>

namespace ondol {
namespace {

constexpr int kTrialRounds = 8;
/// A trial that lasted so long was a success, whatever comes after.
constexpr int kSuccessRounds = 64;
constexpr double kNewestRound = 1.0 / 32;
/// Less than this is not worth a second model's work.
constexpr double kLeastGain = 1.03;
/// Of n rounds, chance may have taken this much over the root of n from the gain.
constexpr double kBadLuck = 0.5;
/// The rest after a failure, in times of what the trial took; twice as long after every further failure, up to a limit.
constexpr double kPatience = 32;
constexpr int kMostDoublings = 5;
/// A round that something else on the machine held up says little.
constexpr double kMostCost = 4.0;

}  // namespace

double DraftTrials::gain() const {
  return n_rounds_ < kTrialRounds ? std::max(kPromise, measured_gain()) : measured_gain();
}

void DraftTrials::saw_round(const Round& round, double plain_seconds, double most_gain) {
  if (plain_seconds <= 0) return;
  ++n_rounds_;
  // What was assumed counts as much as one round.
  const double newest = std::max(kNewestRound, 1.0 / (n_rounds_ + 1));
  const double cost = std::min((round.draft_seconds + round.pass_seconds) / plain_seconds, kMostCost * cost_);
  n_tokens_ += newest * (round.n_tokens - n_tokens_);
  cost_ += newest * (cost - cost_);
  draft_seconds_ += std::max(kNewestRound, 1.0 / n_rounds_) * (round.draft_seconds - draft_seconds_);
  if (n_rounds_ == kSuccessRounds) {
    n_failures_ = 0;
    reading_seconds_ = 0;
  }
  const bool fails = n_rounds_ >= kTrialRounds && measured_gain() + kBadLuck / std::sqrt(n_rounds_) < kLeastGain;
  if (fails || most_gain < kLeastGain) rest();
}

void DraftTrials::rest() {
  DraftTrials next;
  next.rest_seconds_ = kPatience * std::exp2(n_failures_) * (reading_seconds_ + kTrialRounds * draft_seconds_);
  next.n_failures_ = std::min(n_failures_ + 1, kMostDoublings);
  *this = next;
}

}  // namespace ondol
