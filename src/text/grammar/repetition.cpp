#include "text/grammar/repetition.h"

#include <set>

namespace ondol::grammar {

void Repetition::accept(TokenId token, bool has_letters, ConfigId behind) {
  if (drifts_ && !met(behind)) {  // led out
    drifts_ = false;
    window_.clear();
  }
  find_circle(token);
  std::shift_left(tokens_.begin(), tokens_.end(), 1);
  tokens_.back() = token;
  std::shift_left(configs_.begin(), configs_.end(), 1);
  configs_.back() = behind;
  window_.push_back({token, behind, has_letters});
  if (window_.size() < kWindow + kCheckEvery) return;
  window_.erase(window_.begin(), window_.begin() + kCheckEvery);
  drifts_ = is_drift();
}

void Repetition::find_circle(TokenId token) {
  period_ = 0;
  for (int p = kLongestPeriod; p >= 1; --p) {
    int& run = runs_[static_cast<size_t>(p)];
    run = tokens_[static_cast<size_t>(kLongestPeriod - p)] == token ? run + 1 : 0;
    if (run >= std::max(kLeastTokens, kLeastRounds * p)) period_ = p;  // the shortest of them
  }
}

bool Repetition::is_drift() const {
  // In one string all tokens but those in the middle of an escape lead to the same place.
  const ConfigId here = window_.back().behind;
  const auto count = [&](auto condition) {
    return static_cast<size_t>(std::count_if(window_.begin(), window_.end(), condition));
  };
  if (count([&](const Place& place) { return place.behind == here; }) < window_.size() * 7 / 8) return false;
  if (count([](const Place& place) { return place.has_letters; }) < window_.size() / 2) return false;
  std::set<std::array<TokenId, kGram>> grams;
  for (size_t i = 0; i + kGram <= window_.size() && grams.size() <= kMostGrams; ++i) {
    std::array<TokenId, kGram> gram;
    for (size_t j = 0; j < kGram; ++j) gram[j] = window_[i + j].token;
    grams.insert(gram);
  }
  return grams.size() >= kFewestGrams && grams.size() <= kMostGrams;
}

}  // namespace ondol::grammar
