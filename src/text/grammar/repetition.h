// Repetition: whether a text that is being generated goes round in circles, and where in the grammar it does so. Small
// models get caught in a string that they never close ("Smith Smith Smith ...").
#pragma once

#include <algorithm>
#include <array>

#include "text/grammar/matcher.h"

namespace ondol::grammar {

class Repetition {
 public:
  /// A token was appended, and the text stands at `behind`.
  void accept(TokenId token, ConfigId behind);

  /// The last tokens are nothing but the same few again and again. For long enough that a ruler of dashes, a field of
  /// twenty rows of zeros or a song's refrain passes: what is wanted must not be cut short.
  bool goes_round() const { return period_ > 0; }

  /// Whether the text stood here in the round before.
  bool met(ConfigId config) const {
    return std::any_of(configs_.end() - period_, configs_.end(), [&](ConfigId at) { return at == config; });
  }

 private:
  static constexpr int kLongestPeriod = 32;
  static constexpr int kLeastTokens = 256;
  static constexpr int kLeastRounds = 24;

  // The last ones, the latest last.
  std::array<TokenId, kLongestPeriod> tokens_{};
  std::array<ConfigId, kLongestPeriod> configs_{};
  // At p: how many tokens in a row were equal to the one p places before.
  std::array<int, kLongestPeriod + 1> runs_{};
  int period_ = 0;
};

}  // namespace ondol::grammar
