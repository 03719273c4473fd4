#include "train/cross_entropy.h"

#include <algorithm>
#include <cmath>

namespace ondol::train {

double cross_entropy(const Tensor& logits, std::span<const int32_t> targets, float weight, Tensor dlogits) {
  ONDOL_CHECK(logits.rows() == static_cast<int64_t>(targets.size()));
  double total = 0;
  for (int64_t row = 0; row < logits.rows(); ++row) {
    const float* values = logits.f32(row);
    float* slopes = dlogits.f32(row);
    const int64_t n = logits.columns();
    const int32_t target = targets[static_cast<size_t>(row)];
    ONDOL_CHECK(target >= 0 && target < n);
    const float largest = *std::max_element(values, values + n);
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      slopes[i] = std::exp(values[i] - largest);
      sum += static_cast<double>(slopes[i]);
    }
    const auto factor = static_cast<float>(static_cast<double>(weight) / sum);
    for (int64_t i = 0; i < n; ++i) slopes[i] *= factor;
    slopes[target] -= weight;
    total += std::log(sum) - static_cast<double>(values[target] - largest);
  }
  return total;
}

}  // namespace ondol::train
