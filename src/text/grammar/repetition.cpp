#include "text/grammar/repetition.h"

namespace ondol::grammar {

void Repetition::accept(TokenId token, ConfigId behind) {
  period_ = 0;
  for (int p = kLongestPeriod; p >= 1; --p) {
    int& run = runs_[static_cast<size_t>(p)];
    run = tokens_[static_cast<size_t>(kLongestPeriod - p)] == token ? run + 1 : 0;
    if (run >= std::max(kLeastTokens, kLeastRounds * p)) period_ = p;  // the shortest of them
  }
  std::shift_left(tokens_.begin(), tokens_.end(), 1);
  tokens_.back() = token;
  std::shift_left(configs_.begin(), configs_.end(), 1);
  configs_.back() = behind;
}

}  // namespace ondol::grammar
