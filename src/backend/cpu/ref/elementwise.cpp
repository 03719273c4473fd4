#include <cmath>
#include <numbers>

#include "backend/cpu/ref/ref.h"

namespace ondol::cpu::ref {
namespace {

double sigmoid_of(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

double activation_of(Activation activation, double x) {
  switch (activation) {
    case Activation::kSilu:
      return x * sigmoid_of(x);
    case Activation::kGelu:
      return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
    case Activation::kGeluTanh:
      return x * sigmoid_of(2.0 * std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x));
    case Activation::kGeluQuick:
      return x * sigmoid_of(1.702 * x);
    case Activation::kRelu:
      return x > 0 ? x : 0.0;
    case Activation::kReluSquared:
      return x > 0 ? x * x : 0.0;
  }
  return x;
}

double clamped_swiglu_of(double gate, double up, const GatedUnit& unit) {
  const double limit = unit.limit;
  gate = std::fmin(gate, limit);
  up = std::fmax(-limit, std::fmin(up, limit));
  return gate * sigmoid_of(static_cast<double>(unit.alpha) * gate) * (up + 1.0);
}

}  // namespace

float dot(const float* a, const float* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return static_cast<float>(sum);
}

void add(float* x, const float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] += y[i];
}

void add_scaled(float* x, const float* y, float factor, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] += factor * y[i];
}

void scale(float* x, float factor, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] *= factor;
}

void softcap(float* x, float cap, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    x[i] =
        static_cast<float>(static_cast<double>(cap) * std::tanh(static_cast<double>(x[i]) / static_cast<double>(cap)));
  }
}

void activate(float* x, Activation activation, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] = static_cast<float>(activation_of(activation, x[i]));
}

void gated_unit(const float* gate, const float* up, const GatedUnit* unit, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const double value = unit->clamped_swiglu ? clamped_swiglu_of(gate[i], up[i], *unit)
                                              : activation_of(unit->activation, gate[i]) * static_cast<double>(up[i]);
    out[i] = static_cast<float>(value);
  }
}

void softmax(float* x, int64_t n) {
  double largest = -INFINITY;
  for (int64_t i = 0; i < n; ++i) largest = std::fmax(largest, x[i]);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(x[i]) - largest);
  for (int64_t i = 0; i < n; ++i) x[i] = static_cast<float>(std::exp(static_cast<double>(x[i]) - largest) / sum);
}

void sigmoid(float* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] = static_cast<float>(sigmoid_of(x[i]));
}

void rope_halves(float* a, float* b, const float* cosines, const float* sines, int n_pairs) {
  for (int i = 0; i < n_pairs; ++i) {
    const float first = a[i];
    const float second = b[i];
    a[i] = first * cosines[i] - second * sines[i];
    b[i] = first * sines[i] + second * cosines[i];
  }
}

void rope_interleaved(float* x, const float* cosines, const float* sines, int n_pairs) {
  for (int i = 0; i < n_pairs; ++i) {
    const float first = x[2 * i];
    const float second = x[2 * i + 1];
    x[2 * i] = first * cosines[i] - second * sines[i];
    x[2 * i + 1] = first * sines[i] + second * cosines[i];
  }
}

}  // namespace ondol::cpu::ref
