// DraftPolicy: how many tokens to draft, from how often guesses were right and how long passes took.
//
// A pass over n rows takes longer than one over a single row, but yields a token for every right guess. The policy
// chooses what has yielded most tokens per second, which is no draft at all where guesses are poor or rows are dear.
// Guesses that were not evaluated count too once the real token is known, so a text that becomes repetitive is noticed
// without trying. It decides about speed only: what is generated does not depend on it.
#pragma once

#include <array>
#include <cstddef>

namespace ondol {

class DraftPolicy {
 public:
  /// Guesses in one pass at most, beside the token that they follow (Session::kMostAtOnce).
  static constexpr int kMostGuesses = 7;

  /// How many of at most `most` guesses to evaluate, the first of which follows `match` tokens that agree.
  int choose(int match, int most) const;

  /// A guess that followed `match` agreeing tokens turned out to be right or wrong.
  void saw_guess(int match, bool was_right);

  /// A pass over n_rows (1 to kMostGuesses + 1) took this long.
  void saw_pass(int n_rows, double seconds);

 private:
  static constexpr size_t kClasses = 4;
  struct Hits {
    double share;  // of right guesses, the recent ones counting most
    int n_seen = 0;
  };

  std::array<Hits, kClasses> hits_ = {{{0.3}, {0.5}, {0.7}, {0.8}}};  // by length of match
  double plain_seconds_ = 0;                                          // of a pass over one row
  int n_plain_passes_ = 0;
  std::array<double, kMostGuesses + 2> cost_{};  // of a pass by its rows, where one over one row is 1; 0: not measured
};

}  // namespace ondol
