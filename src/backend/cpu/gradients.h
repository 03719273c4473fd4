// Gradients of operations on single rows, written out plainly for any floating type: float computes, and double is
// what tests hold against finite differences. Formulas by hand; y is the operation's result, dy its gradient.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "backend/backend.h"

namespace ondol::cpu::gradients {

template <typename T>
T sigmoid_of(T x) {
  return T(1) / (T(1) + std::exp(-x));
}

/// x sigmoid(s(x)) has the derivative sigmoid(s) + x sigmoid(s) (1 - sigmoid(s)) s'.
template <typename T>
T sigmoid_gate_slope(T x, T s, T s_slope) {
  const T gate = sigmoid_of(s);
  return gate + x * gate * (T(1) - gate) * s_slope;
}

template <typename T>
T slope_of(Activation activation, T x) {
  switch (activation) {
    case Activation::kSilu:
      return sigmoid_gate_slope(x, x, T(1));
    case Activation::kGelu: {
      const T density = std::exp(-x * x / T(2)) / std::sqrt(T(2) * std::numbers::pi_v<T>);
      return std::erfc(-x / std::numbers::sqrt2_v<T>) / T(2) + x * density;
    }
    case Activation::kGeluTanh: {
      const T twice_root = T(2) * std::sqrt(T(2) / std::numbers::pi_v<T>);
      return sigmoid_gate_slope(x, twice_root * (x + T(0.044715) * x * x * x),
                                twice_root * (T(1) + T(3 * 0.044715) * x * x));
    }
    case Activation::kGeluQuick:
      return sigmoid_gate_slope(x, T(1.702) * x, T(1.702));
    case Activation::kRelu:
      return x > 0 ? T(1) : T(0);
    case Activation::kReluSquared:
      return x > 0 ? T(2) * x : T(0);
  }
  return T(0);
}

template <typename T>
T value_of(Activation activation, T x) {
  switch (activation) {
    case Activation::kSilu:
      return x * sigmoid_of(x);
    case Activation::kGelu:
      return x * std::erfc(-x / std::numbers::sqrt2_v<T>) / T(2);
    case Activation::kGeluTanh:
      return x * sigmoid_of(T(2) * std::sqrt(T(2) / std::numbers::pi_v<T>) * (x + T(0.044715) * x * x * x));
    case Activation::kGeluQuick:
      return x * sigmoid_of(T(1.702) * x);
    case Activation::kRelu:
      return x > 0 ? x : T(0);
    case Activation::kReluSquared:
      return x > 0 ? x * x : T(0);
  }
  return T(0);
}

/// dy becomes the gradient of gate, dup grows by that of up.
template <typename T>
void gated_unit(const T* gate, const T* up, const GatedUnit& unit, T* dy, T* dup, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    if (!unit.clamped_swiglu) {
      dup[i] += dy[i] * value_of(unit.activation, gate[i]);
      dy[i] *= up[i] * slope_of(unit.activation, gate[i]);
      continue;
    }
    const T limit = unit.limit;
    const T alpha = unit.alpha;
    const T g = gate[i] < limit ? gate[i] : limit;
    const T u = up[i] < -limit ? -limit : up[i] > limit ? limit : up[i];
    const T before = dy[i];
    if (up[i] >= -limit && up[i] <= limit) dup[i] += before * g * sigmoid_of(alpha * g);
    dy[i] = gate[i] < limit ? before * (u + T(1)) * sigmoid_gate_slope(g, alpha * g, alpha) : T(0);
  }
}

/// y = x r w with r = 1 / sqrt(mean(x^2) + epsilon): dx = r (w dy - x r^2 mean(x w dy)). `weight` may be nullptr.
/// Returns r.
template <typename T>
T rms_norm(const T* x, const T* weight, T epsilon, T* dy, int64_t n) {
  double squares = 0;
  double product = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double w = weight == nullptr ? 1.0 : static_cast<double>(weight[i]);
    squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    product += static_cast<double>(x[i]) * w * static_cast<double>(dy[i]);
  }
  const double r = 1.0 / std::sqrt(squares / static_cast<double>(n) + static_cast<double>(epsilon));
  const T factor = static_cast<T>(r);
  const T pull = static_cast<T>(r * r * r * product / static_cast<double>(n));
  for (int64_t i = 0; i < n; ++i) dy[i] = factor * dy[i] * (weight == nullptr ? T(1) : weight[i]) - pull * x[i];
  return factor;
}

template <typename T>
struct Centre {
  T mean;
  T factor;  // 1 / sqrt(variance + epsilon)
};

/// y = n w + b with n = (x - mean) r: dx = r (g - mean(g) - n mean(g n)), where g = w dy.
template <typename T>
Centre<T> layer_norm(const T* x, const T* weight, T epsilon, T* dy, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]);
  const double mean = sum / static_cast<double>(n);
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) squares += (static_cast<double>(x[i]) - mean) * (static_cast<double>(x[i]) - mean);
  const double r = 1.0 / std::sqrt(squares / static_cast<double>(n) + static_cast<double>(epsilon));
  double g_mean = 0;
  double gn_mean = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double g = static_cast<double>(dy[i]) * (weight == nullptr ? 1.0 : static_cast<double>(weight[i]));
    g_mean += g / static_cast<double>(n);
    gn_mean += g * (static_cast<double>(x[i]) - mean) * r / static_cast<double>(n);
  }
  const Centre<T> centre{static_cast<T>(mean), static_cast<T>(r)};
  for (int64_t i = 0; i < n; ++i) {
    const T g = dy[i] * (weight == nullptr ? T(1) : weight[i]);
    const T normed = (x[i] - centre.mean) * centre.factor;
    dy[i] = centre.factor * (g - static_cast<T>(g_mean) - normed * static_cast<T>(gn_mean));
  }
  return centre;
}

/// One query's logits l[i] = cap tanh(s[i] / cap) (cap 0: l = s), p = softmax(l): `logits` holds l, `weights` p, and
/// `dp` the gradient of p, which becomes that of s. `share` is the sum of p dp.
template <typename T>
void attention_logits(const T* logits, const T* weights, T softcap, T share, T* dp, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    T slope = T(1);
    if (softcap > 0) {
      const T inner = logits[i] / softcap;
      slope = T(1) - inner * inner;
    }
    dp[i] = weights[i] * (dp[i] - share) * slope;
  }
}

/// dz becomes the gradient of logits whose softmax is p: p (dz - sum of p dz).
template <typename T>
void softmax(const std::vector<T>& p, std::vector<T>& dz) {
  T share = 0;
  for (size_t i = 0; i < p.size(); ++i) share += p[i] * dz[i];
  for (size_t i = 0; i < p.size(); ++i) dz[i] = p[i] * (dz[i] - share);
}

template <typename T>
std::vector<T> softmax_of(std::vector<T> z) {
  const T largest = *std::max_element(z.begin(), z.end());
  T sum = 0;
  for (T& value : z) sum += value = std::exp(value - largest);
  for (T& value : z) value /= sum;
  return z;
}

/// One row's choice of experts, as route (backend.h) makes it. The choice itself has no gradient.
template <typename T>
void route(const T* logits, int64_t n_experts, const RouteParams& params, const int32_t* ids, const T* dweights,
           T* dlogits) {
  const auto n_used = static_cast<size_t>(params.n_used);
  std::vector<T> scores(logits, logits + n_experts);
  std::vector<T> chosen(n_used);
  std::vector<T> dchosen(n_used);
  if (params.score == RouteParams::Score::kSoftmax) scores = softmax_of(std::move(scores));
  if (params.score == RouteParams::Score::kSigmoid) {
    for (T& score : scores) score = sigmoid_of(score);
  }
  for (size_t i = 0; i < n_used; ++i) chosen[i] = scores[static_cast<size_t>(ids[i])];
  if (params.score == RouteParams::Score::kSoftmaxOfChosen) chosen = softmax_of(std::move(chosen));
  T sum = 0;
  T share = 0;
  for (size_t i = 0; i < n_used; ++i) {
    dchosen[i] = dweights[i] * T(params.scale);
    sum += chosen[i];
    share += dchosen[i] * chosen[i];
  }
  if (params.normalize) {
    for (T& slope : dchosen) slope = (slope - share / sum) / sum;
  }
  if (params.score == RouteParams::Score::kSoftmaxOfChosen) {
    softmax(chosen, dchosen);
    for (size_t i = 0; i < n_used; ++i) dlogits[ids[i]] += dchosen[i];
    return;
  }
  std::vector<T> dscores(scores.size());
  for (size_t i = 0; i < n_used; ++i) dscores[static_cast<size_t>(ids[i])] = dchosen[i];
  if (params.score == RouteParams::Score::kSoftmax) {
    softmax(scores, dscores);
  } else {
    for (size_t e = 0; e < scores.size(); ++e) dscores[e] *= scores[e] * (T(1) - scores[e]);
  }
  for (size_t e = 0; e < scores.size(); ++e) dlogits[e] += dscores[e];
}

}  // namespace ondol::cpu::gradients
