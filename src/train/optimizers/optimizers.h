// The list of optimizers, and what they share.
#pragma once

#include <cmath>

#include "train/optimizer.h"
#include "train/parts.h"

namespace ondol::train {

/// Loshchilov and Hutter, 2019.
std::unique_ptr<Optimizer> make_adamw(const Parameters& parameters, const OptimizerOptions& options,
                                      OptimizerTools tools);
/// The same with both moments in 8 bits, a scale for each block of 256 (Dettmers et al., 2022).
std::unique_ptr<Optimizer> make_adamw_8bit(const Parameters& parameters, const OptimizerOptions& options,
                                           OptimizerTools tools);
/// The same with both moments in BF16, rounded at random so that small changes add up (Zamirai et al., 2020).
std::unique_ptr<Optimizer> make_adamw_bf16(const Parameters& parameters, const OptimizerOptions& options,
                                           OptimizerTools tools);
/// Jordan et al., 2024: hidden matrices move along their orthogonalised momentum; all others by AdamW.
std::unique_ptr<Optimizer> make_muon(const Parameters& parameters, const OptimizerOptions& options,
                                     OptimizerTools tools);
/// Chen et al., 2023: the sign of an average of gradients.
std::unique_ptr<Optimizer> make_lion(const Parameters& parameters, const OptimizerOptions& options,
                                     OptimizerTools tools);

/// A block of 8-bit states.
constexpr int64_t kStateBlock = 256;
static_assert(kPart % kStateBlock == 0);

/// A parameter's two moments, number by number.
struct Moments {
  std::string name;
  OwnedTensor mean;
  OwnedTensor square;
};
std::vector<Moments> make_moments(const Parameters& parameters, DType type);
/// As Optimizer::states() names them.
std::vector<TensorEntry> states_of(std::vector<Moments>& moments);

/// The numbers of one step of AdamW for one parameter.
struct AdamWStep {
  AdamWStep(const OptimizerOptions& options, const Parameter& parameter, double rate, int64_t n_steps,
            float factor);

  /// The new moments of one number, and the number.
  void apply(float unscaled_gradient, float& mean, float& square, float& value) const {
    const float gradient = gradient_factor * unscaled_gradient;
    mean = beta1 * mean + (1.0f - beta1) * gradient;
    square = beta2 * square + (1.0f - beta2) * gradient * gradient;
    value = kept * value - step_size * mean / (std::sqrt(square) * correction + epsilon);
  }

  /// The same for n of them, which do not overlap.
  void apply(const float* __restrict gradients, float* __restrict means, float* __restrict squares,
             float* __restrict values, int64_t n) const {
    const AdamWStep step = *this;  // which the numbers cannot be part of
    for (int64_t i = 0; i < n; ++i) step.apply(gradients[i], means[i], squares[i], values[i]);
  }

  float beta1;
  float beta2;
  float epsilon;
  float step_size;
  float correction;
  float kept;
  float gradient_factor;
};

}  // namespace ondol::train
