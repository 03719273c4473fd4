#include "models/llama3_rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ondol {

std::vector<double> llama3_divisors(const Llama3Rope& rope, double base, int64_t n_rotated) {
  std::vector<double> divisors;
  const double width = rope.high_freq_factor - rope.low_freq_factor;
  for (int64_t i = 0; i < n_rotated; i += 2) {
    const double frequency = std::pow(base, -static_cast<double>(i) / static_cast<double>(n_rotated));
    const double turns = static_cast<double>(rope.original_context) * frequency / (2.0 * std::numbers::pi);
    const double kept = std::clamp((turns - rope.low_freq_factor) / width, 0.0, 1.0);
    divisors.push_back(1.0 / ((1.0 - kept) / rope.factor + kept));
  }
  return divisors;
}

std::optional<Llama3Rope> guess_llama3_rope(const std::vector<double>& divisors, double base) {
  if (divisors.empty()) return std::nullopt;
  Llama3Rope rope;
  rope.factor = *std::max_element(divisors.begin(), divisors.end());
  for (const double high : {4.0, 8.0, 2.0, 32.0}) {
    rope.high_freq_factor = high;
    for (rope.original_context = 8; rope.original_context <= (int64_t{1} << 20); rope.original_context *= 2) {
      const std::vector<double> candidate = llama3_divisors(rope, base, static_cast<int64_t>(divisors.size()) * 2);
      const bool same = std::equal(candidate.begin(), candidate.end(), divisors.begin(),
                                   [](double a, double b) { return std::abs(a - b) <= 1e-5 * b; });
      if (same) return rope;
    }
  }
  return std::nullopt;
}

}  // namespace ondol
