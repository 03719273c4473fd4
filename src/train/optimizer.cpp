#include "train/optimizer.h"

#include <cmath>

namespace ondol::train {

AdamW::AdamW(const Parameters& parameters, const AdamWOptions& options) : options_(options) {
  for (const Parameter& parameter : parameters.all()) {
    states_.push_back({{DType::F32, parameter.value.shape()}, {DType::F32, parameter.value.shape()}});
  }
}

void AdamW::step(Parameters& parameters, double rate) {
  ONDOL_CHECK(parameters.all().size() == states_.size());
  ++n_steps_;
  const auto beta1 = static_cast<float>(options_.beta1);
  const auto beta2 = static_cast<float>(options_.beta2);
  const auto t = static_cast<double>(n_steps_);
  const auto step_size = static_cast<float>(rate / (1.0 - std::pow(options_.beta1, t)));
  const auto correction = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(options_.beta2, t)));
  const auto epsilon = static_cast<float>(options_.epsilon);
  for (size_t p = 0; p < states_.size(); ++p) {
    Parameter& parameter = parameters.all()[p];
    const auto kept = static_cast<float>(1.0 - (parameter.is_matrix() ? rate * options_.decay : 0.0));
    float* value = parameter.value.f32();
    const float* gradient = parameter.gradient.f32();
    float* mean = states_[p].mean.tensor.f32();
    float* square = states_[p].square.tensor.f32();
    for (int64_t i = 0; i < parameter.value.shape().elements(); ++i) {
      mean[i] = beta1 * mean[i] + (1.0f - beta1) * gradient[i];
      square[i] = beta2 * square[i] + (1.0f - beta2) * gradient[i] * gradient[i];
      value[i] = kept * value[i] - step_size * mean[i] / (std::sqrt(square[i]) * correction + epsilon);
    }
  }
}

}  // namespace ondol::train
