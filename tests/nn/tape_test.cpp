#include "nn/tape.h"

#include <cmath>

#include <gtest/gtest.h>

#include "backend/backend.h"

namespace ondol {
namespace {

constexpr int64_t kWidth = 64;

/// Gradients of one matrix.
class OneMatrix final : public WeightGradients {
 public:
  Tensor of(const Tensor& weight) override {
    return weight.bytes() == matrix.tensor.bytes() ? gradient.tensor : Tensor();
  }

  OwnedTensor matrix{DType::F32, {kWidth, kWidth}};
  OwnedTensor gradient{DType::F32, {kWidth, kWidth}};
};

/// The gradient of logits is large at one token and small at all others, and what the large one meets is zero. Returns
/// how far the gradient of the weights is from what the small ones make of it, relative to that.
double error_of_small_numbers(bool makes_logits) {
  const auto backend = create_cpu_backend({2, ""}).value();
  Arena arena;
  OneMatrix weights;
  Tape tape(*backend, arena, weights, {DType::Q8_0, DType::Q8_0});
  const Weight weight{weights.matrix.tensor, {}};
  Tensor x = arena.f32({kWidth, kWidth});
  Tensor out = arena.f32({kWidth, kWidth});
  for (int64_t t = 0; t < kWidth; ++t) {
    for (int64_t c = 0; c < kWidth; ++c) x.f32(t)[c] = t == 0 ? 0.0f : std::sin(static_cast<float>(t * c + c + 1)) + 0.5f;
  }
  tape.forget(x);

  const Tape::Position start = tape.position();
  const LinearJob job{&weight, out, false};
  tape.record(true);
  tape.make_logits(makes_logits);
  tape.linear(x, {&job, 1});
  tape.make_logits(false);
  tape.record(false);
  constexpr float kSmall = 1e-3f;
  Tensor slopes = tape.gradient(out);
  for (int64_t t = 0; t < kWidth; ++t) std::fill_n(slopes.f32(t), kWidth, t == 0 ? 1.0f : kSmall);
  tape.backward(start);

  double error = 0;
  double length = 0;
  for (int64_t c = 0; c < kWidth; ++c) {
    double expected = 0;
    for (int64_t t = 1; t < kWidth; ++t) expected += static_cast<double>(kSmall * x.f32(t)[c]);
    error += std::pow(static_cast<double>(weights.gradient.tensor.f32(3)[c]) - expected, 2);
    length += expected * expected;
  }
  return std::sqrt(error / length);
}

TEST(Tape, SmallGradientsOfLogitsAreNotLost) {
  EXPECT_LT(error_of_small_numbers(true), 0.01);
}

}  // namespace
}  // namespace ondol
