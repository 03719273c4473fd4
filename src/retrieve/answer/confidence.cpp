#include "retrieve/answer/confidence.h"

#include <algorithm>
#include <cmath>

namespace ondol {
namespace {

constexpr double kWords = 0.20;  // of a question of ten terms
constexpr double kPairs = 0.34;
constexpr double kPerLength = 0.06;  // less for each time that a question is e times as long
constexpr double kLeast = 0.05;
constexpr double kMost = 0.9;

}  // namespace

double least_closeness(std::span<const WeightedTerm> terms) {
  if (terms.empty()) return 2;
  double n_pairs = 0;
  for (const WeightedTerm& term : terms) n_pairs += term.is_pair ? 1 : 0;
  const auto n = static_cast<double>(terms.size());
  const double usual = kWords + (kPairs - kWords) * n_pairs / n;
  return std::clamp(usual - kPerLength * std::log(n / 10), kLeast, kMost);
}

}  // namespace ondol
