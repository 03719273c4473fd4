// DraftPolicy: how many guesses to make and to evaluate, from how often they were right and how long things took.
//
// A pass over n rows takes longer than one over a single row, but yields a token for every right guess. The policy
// chooses what has yielded most tokens per second, which is no guess at all where guesses are poor or rows are dear.
// Guesses that were not evaluated count too once the real token is known, so a text that becomes repetitive is noticed
// without trying. It decides about speed only: what is generated does not depend on it.
//
// All costs are in plain passes (over one row), because everything gets slower together as the text grows or the
// machine gets busy.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "runtime/drafter.h"

namespace ondol {

class DraftPolicy {
 public:
  /// Guesses in one pass at most, beside the token that they follow (Session::kMostAtOnce).
  static constexpr int kMostGuesses = 7;

  struct Choice {
    int n = 0;
    double gain = 1;  // tokens expected in the time of a plain pass; without guesses it is 1
  };
  /// How many of these guesses to evaluate, the first ones, when `seconds_spent` on making them is lost anyway.
  Choice choose(std::span<const Guess> guesses, double seconds_spent = 0) const;

  /// Whether to let the model make a further guess after these: whether what it is likely to yield in its time is
  /// more than `gain`, which the whole draft yields.
  bool another_pays(std::span<const Guess> guesses, double gain) const;

  /// The gain of a model's guesses if every one of them were right.
  double most_gain() const;

  /// The next pass should be a plain one, to know how long it takes.
  bool wants_plain_pass() const;

  void saw_guess(GuessKind kind, bool was_right);
  /// A pass over n_rows (1 to kMostGuesses + 1) took this long.
  void saw_pass(int n_rows, double seconds);
  /// The model took this long for one guess.
  void saw_draft(double seconds);

  /// 0: not measured yet.
  double plain_seconds() const { return plain_seconds_; }

 private:
  struct Hits {
    double share;  // of right guesses, the recent ones counting most
    int n_seen = 0;
    void see(bool was_right);
  };
  double share_of(GuessKind kind) const { return hits_[static_cast<size_t>(kind)].share; }
  double pass_cost(int n_rows) const;

  std::array<Hits, kGuessKinds> hits_ = {{{0.3}, {0.5}, {0.7}, {0.8}, {0.25}, {0.5}, {0.75}, {0.9}}};
  Hits model_hits_ = {0.6};   // of all of a model's guesses
  double plain_seconds_ = 0;  // of a pass over one row
  int n_plain_passes_ = 0;
  int n_since_plain_ = 0;
  std::array<double, kMostGuesses + 2> cost_{};  // of a pass by its rows; 0: not measured
  double draft_cost_ = 0;                        // of a model's guess
  int n_drafts_ = 0;
};

}  // namespace ondol
