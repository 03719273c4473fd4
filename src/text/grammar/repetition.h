// Repetition: whether a text that is being generated goes round in circles, and where in the grammar it does so. Small
// models get caught in a string that they never close ("Smith Smith Smith ...", or one sentence with small changes).
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "text/grammar/matcher.h"

namespace ondol::grammar {

class Repetition {
 public:
  /// A token, which may have letters in it, was appended, and the text stands at `behind`.
  void accept(TokenId token, bool has_letters, ConfigId behind);

  /// The last tokens are nothing but the same few again and again: a circle, or a drift. For long enough that a ruler of
  /// dashes, a field of twenty rows of zeros or a song's refrain passes: what is wanted must not be cut short.
  bool goes_round() const { return period_ > 0 || drifts_; }

  /// Whether the text stood here in the round before.
  bool met(ConfigId config) const {
    return std::any_of(configs_.end() - (drifts_ ? kLongestPeriod : period_), configs_.end(),
                       [&](ConfigId at) { return at == config; });
  }

 private:
  static constexpr int kLongestPeriod = 32;
  static constexpr int kLeastTokens = 256;
  static constexpr int kLeastRounds = 24;

  // A drift: so many tokens of one string, half of them with letters, in which each sequence of kGram tokens stands ten
  // times on average. Text has hardly any twice, and a table has fresh values in each row; a few are one row after
  // another.
  static constexpr size_t kWindow = 384;
  static constexpr size_t kGram = 4;
  static constexpr size_t kFewestGrams = 8;
  static constexpr size_t kMostGrams = kWindow / 10;
  static constexpr int kCheckEvery = 16;

  struct Place {
    TokenId token;
    ConfigId behind;
    bool has_letters;
  };

  void find_circle(TokenId token);
  bool is_drift() const;

  // The last ones, the latest last.
  std::array<TokenId, kLongestPeriod> tokens_{};
  std::array<ConfigId, kLongestPeriod> configs_{};
  // At p: how many tokens in a row were equal to the one p places before.
  std::array<int, kLongestPeriod + 1> runs_{};
  int period_ = 0;
  std::vector<Place> window_;  // up to kWindow + kCheckEvery
  bool drifts_ = false;
};

}  // namespace ondol::grammar
