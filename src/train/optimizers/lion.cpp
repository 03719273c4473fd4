// Lion: a step of the same size for every number, with the sign of an average of gradients.
#include "train/optimizers/optimizers.h"

namespace ondol::train {
namespace {

class Lion final : public Optimizer {
 public:
  Lion(const Parameters& parameters, const OptimizerOptions& options, OptimizerTools tools)
      : options_(options), tools_(tools) {
    for (const Parameter& parameter : parameters.all()) {
      averages_.push_back({parameter.name, {DType::F32, parameter.value.shape()}});
    }
  }

  std::vector<TensorEntry> states() override {
    std::vector<TensorEntry> entries;
    for (const Average& average : averages_) entries.push_back({average.name + ".mean", average.mean.tensor});
    return entries;
  }

 private:
  struct Average {
    std::string name;
    OwnedTensor mean;
  };

  void update(Parameters& parameters, double rate) override {
    ONDOL_CHECK(parameters.all().size() == averages_.size());
    const auto beta1 = static_cast<float>(options_.beta1);
    const auto beta2 = static_cast<float>(options_.beta2);
    const float factor = gradient_factor();
    for (size_t p = 0; p < averages_.size(); ++p) {
      Parameter& parameter = parameters.all()[p];
      const double own_rate = rate * parameter.rate_factor;
      const auto step = static_cast<float>(own_rate);
      const auto kept = static_cast<float>(1.0 - (parameter.is_matrix() ? own_rate * options_.decay : 0.0));
      float* value = parameter.value.f32();
      const float* gradient = parameter.gradient.f32();
      float* mean = averages_[p].mean.tensor.f32();
      for_parts(tools_.threads, parameter.value.shape().elements(), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const float direction = beta1 * mean[i] + (1.0f - beta1) * factor * gradient[i];
          const float sign = direction > 0 ? 1.0f : direction < 0 ? -1.0f : 0.0f;
          value[i] = kept * value[i] - step * sign;
          mean[i] = beta2 * mean[i] + (1.0f - beta2) * factor * gradient[i];
        }
      });
    }
  }

  OptimizerOptions options_;
  OptimizerTools tools_;
  std::vector<Average> averages_;
};

}  // namespace

std::unique_ptr<Optimizer> make_lion(const Parameters& parameters, const OptimizerOptions& options,
                                     OptimizerTools tools) {
  return std::make_unique<Lion>(parameters, options, tools);
}

}  // namespace ondol::train
