#include "runtime/draft_policy.h"

#include <algorithm>

namespace ondol {
namespace {

/// Where nothing was measured, another row is taken to add this share of a pass over one, and a model's guess to take
/// this share of it.
constexpr double kRowCost = 0.15;
constexpr double kDraftCost = 0.2;
/// The first passes touch memory for the first time.
constexpr int kPlainPassesFirst = 2;
/// With guesses in every pass, plain ones would never be measured again.
constexpr int kMostWithoutPlain = 64;
/// Evaluating guesses has to promise this much more than not to.
constexpr double kGain = 1.05;
constexpr double kNewestGuess = 1.0 / 24;
constexpr double kNewestPass = 1.0 / 8;
/// How far a cost moves back towards what is assumed with every pass; so what was once slow by accident is tried again.
constexpr double kForget = 1.0 / 256;

/// The mean with the newest measurement. A pass that something else on the machine held up says little.
double with_newest(double mean, double measured, double newest = kNewestPass) {
  return mean + newest * (std::min(measured, 2 * mean) - mean);
}

bool is_models(GuessKind kind) {
  return kind >= GuessKind::kUnsure;
}

}  // namespace

double DraftPolicy::pass_cost(int n_rows) const {
  double cost = 1.0;
  for (int n = 2; n <= n_rows; ++n) {
    const double measured = cost_[static_cast<size_t>(n)];
    cost = measured > 0 ? measured : cost + kRowCost;
  }
  return cost;
}

DraftPolicy::Choice DraftPolicy::choose(std::span<const Guess> guesses, double seconds_spent) const {
  if (wants_plain_pass()) return {};
  const double spent = plain_seconds_ > 0 ? seconds_spent / plain_seconds_ : 0;
  Choice best{0, 1 / (1 + spent)};
  double least = kGain * best.gain;
  double n_tokens = 1.0;
  double all_right = 1.0;
  const int most = std::min(static_cast<int>(guesses.size()), kMostGuesses);
  for (int n = 1; n <= most; ++n) {
    all_right *= share_of(guesses[static_cast<size_t>(n) - 1].kind);
    n_tokens += all_right;
    const double gain = n_tokens / (pass_cost(n + 1) + spent);
    if (gain <= least) continue;
    least = gain;
    best = {n, gain};
  }
  return best;
}

bool DraftPolicy::another_pays(std::span<const Guess> guesses, double gain) const {
  const int n = static_cast<int>(guesses.size());
  if (n >= kMostGuesses) return false;
  double likely = model_hits_.share;
  for (const Guess& guess : guesses) likely *= share_of(guess.kind);
  const double row = std::max(0.0, pass_cost(n + 2) - pass_cost(n + 1));
  const double draft = n_drafts_ > 0 ? draft_cost_ : kDraftCost;
  return likely > gain * (row + draft);
}

double DraftPolicy::most_gain() const {
  double most = 1.0;
  for (int n = 1; n <= kMostGuesses; ++n) most = std::max(most, (n + 1) / (pass_cost(n + 1) + n * draft_cost_));
  return most;
}

bool DraftPolicy::wants_plain_pass() const {
  return n_plain_passes_ < kPlainPassesFirst || n_since_plain_ >= kMostWithoutPlain;
}

void DraftPolicy::Hits::see(bool was_right) {
  ++n_seen;
  // What was assumed counts as much as one guess.
  const double newest = std::max(kNewestGuess, 1.0 / (n_seen + 1));
  share += newest * ((was_right ? 1.0 : 0.0) - share);
}

void DraftPolicy::saw_guess(GuessKind kind, bool was_right) {
  hits_[static_cast<size_t>(kind)].see(was_right);
  if (is_models(kind)) model_hits_.see(was_right);
}

void DraftPolicy::saw_pass(int n_rows, double seconds) {
  ++n_since_plain_;
  if (n_rows == 1) {
    ++n_plain_passes_;
    n_since_plain_ = 0;
    plain_seconds_ = n_plain_passes_ <= kPlainPassesFirst ? seconds : with_newest(plain_seconds_, seconds);
  } else if (plain_seconds_ > 0) {
    double& cost = cost_[static_cast<size_t>(n_rows)];
    const double newest = seconds / plain_seconds_;
    cost = cost <= 0 ? newest : with_newest(cost, newest);
  }
  for (size_t n = 2; n < cost_.size(); ++n) {
    const double assumed = 1.0 + kRowCost * static_cast<double>(n - 1);
    if (cost_[n] > 0) cost_[n] += kForget * (assumed - cost_[n]);
  }
}

void DraftPolicy::saw_draft(double seconds) {
  if (plain_seconds_ <= 0) return;
  const double newest = seconds / plain_seconds_;
  ++n_drafts_;
  draft_cost_ = n_drafts_ == 1 ? newest : with_newest(draft_cost_, newest, std::max(kNewestPass, 1.0 / n_drafts_));
}

}  // namespace ondol
