#include <cmath>

#include "backend/cpu/ref/ref.h"

namespace ondol::cpu::ref {

void rms_norm(const float* x, const float* weight, float epsilon, float* out, int64_t n) {
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  const double factor = 1.0 / std::sqrt(squares / static_cast<double>(n) + static_cast<double>(epsilon));
  for (int64_t i = 0; i < n; ++i) {
    const double normed = static_cast<double>(x[i]) * factor;
    out[i] = static_cast<float>(weight == nullptr ? normed : normed * static_cast<double>(weight[i]));
  }
}

void layer_norm(const float* x, const float* weight, const float* bias, float epsilon, float* out, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]);
  const double mean = sum / static_cast<double>(n);
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) squares += (static_cast<double>(x[i]) - mean) * (static_cast<double>(x[i]) - mean);
  const double factor = 1.0 / std::sqrt(squares / static_cast<double>(n) + static_cast<double>(epsilon));
  for (int64_t i = 0; i < n; ++i) {
    double value = (static_cast<double>(x[i]) - mean) * factor;
    if (weight != nullptr) value *= static_cast<double>(weight[i]);
    if (bias != nullptr) value += static_cast<double>(bias[i]);
    out[i] = static_cast<float>(value);
  }
}

}  // namespace ondol::cpu::ref
