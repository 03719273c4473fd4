#include "retrieve/answer/confidence.h"

#include <algorithm>
#include <cmath>

namespace ondol {
namespace {

constexpr double kWords = 0.20;  // of a question of ten words
constexpr double kPairs = 0.29;
constexpr double kPerLength = 0.06;  // less for each time that a question is e times as long
constexpr double kLeast = 0.05;

}  // namespace

double least_closeness(std::span<const WeightedTerm> terms) {
  if (terms.empty()) return 2;
  double n_pairs = 0;
  for (const WeightedTerm& term : terms) n_pairs += term.is_pair ? 1 : 0;
  const auto n = static_cast<double>(terms.size());
  const double of_words = std::max(kWords - kPerLength * std::log(n / 10), kLeast);
  return of_words + (kPairs - of_words) * n_pairs / n;
}

}  // namespace ondol
