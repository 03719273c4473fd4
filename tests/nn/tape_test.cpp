#include "nn/tape.h"

#include <cmath>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "backend/backend.h"

namespace ondol {
namespace {

constexpr int64_t kWidth = 128;

/// Gradients of one matrix.
class OneMatrix final : public WeightGradients {
 public:
  Tensor of(const Tensor& weight) override {
    return learns && weight.bytes() == matrix.tensor.bytes() ? gradient.tensor : Tensor();
  }

  bool learns = true;
  OwnedTensor matrix{DType::F32, {kWidth, kWidth}};
  OwnedTensor gradient{DType::F32, {kWidth, kWidth}};
};

struct Errors {
  double weights;  // of their gradient
  double inputs;
};

/// How far `got` is from `expected`, relative to that.
double distance(std::span<const float> got, std::span<const double> expected) {
  double error = 0;
  double length = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(static_cast<double>(got[i]) - expected[i], 2);
    length += expected[i] * expected[i];
  }
  return std::sqrt(error / length);
}

/// The gradient of logits is large at one token and small at all others, and what the large ones meet is zero. Compares
/// the gradients of token 3's weights and of row 5 of x with what the small ones make of them.
Errors errors_of_small_numbers(bool learns) {
  constexpr float kSmall = 1e-3f;
  const auto backend = create_cpu_backend({2, ""}).value();
  Arena arena;
  OneMatrix weights;
  weights.learns = learns;
  Tape tape(*backend, arena, weights, {DType::Q8_0, DType::Q8_0});
  const Weight weight{weights.matrix.tensor, {}};
  Tensor x = arena.f32({kWidth, kWidth});
  Tensor out = arena.f32({kWidth, kWidth});
  for (int64_t t = 0; t < kWidth; ++t) {
    for (int64_t c = 0; c < kWidth; ++c) {
      const float number = std::sin(static_cast<float>(t * c + c + 1)) + 0.5f;
      x.f32(t)[c] = t == 0 ? 0.0f : number;
      weights.matrix.tensor.f32(t)[c] = t == 0 ? 0.0f : number;
    }
  }
  tape.forget(x);

  const Tape::Position start = tape.position();
  const LinearJob job{&weight, out, false};
  tape.record(true);
  tape.make_logits(true);
  tape.linear(x, {&job, 1});
  tape.make_logits(false);
  tape.record(false);
  Tensor slopes = tape.gradient(out);
  for (int64_t t = 0; t < kWidth; ++t) {
    for (int64_t h = 0; h < kWidth; ++h) slopes.f32(t)[h] = t == 0 || h == 0 ? 1.0f : kSmall;
  }
  tape.backward(start);

  std::vector<double> of_weights(kWidth);
  std::vector<double> of_inputs(kWidth);
  for (size_t c = 0; c < kWidth; ++c) {
    for (int64_t i = 1; i < kWidth; ++i) {
      of_weights[c] += static_cast<double>(kSmall * x.f32(i)[c]);
      of_inputs[c] += static_cast<double>(kSmall * weights.matrix.tensor.f32(i)[c]);
    }
  }
  return {distance({weights.gradient.tensor.f32(3), kWidth}, of_weights),
          distance({tape.gradient(x).f32(5), kWidth}, of_inputs)};
}

TEST(Tape, SmallGradientsOfLogitsAreNotLost) {
  const Errors learned = errors_of_small_numbers(true);
  EXPECT_LT(learned.weights, 0.01);
  // Bytes lose what shares a scale with a large number: 32 of 128, and not all of them.
  EXPECT_LT(learned.inputs, 0.5);
  EXPECT_LT(errors_of_small_numbers(false).inputs, 0.5);
}

}  // namespace
}  // namespace ondol
