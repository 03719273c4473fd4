// AdamW with its moments in F32.
#include "train/optimizers/optimizers.h"

namespace ondol::train {
namespace {

class AdamW final : public Optimizer {
 public:
  AdamW(const Parameters& parameters, const OptimizerOptions& options, OptimizerTools tools)
      : options_(options), tools_(tools), moments_(make_moments(parameters, DType::F32)) {}

  std::vector<TensorEntry> states() override { return states_of(moments_); }

 private:
  void update(Parameters& parameters, double rate) override {
    ONDOL_CHECK(parameters.all().size() == moments_.size());
    for (size_t p = 0; p < moments_.size(); ++p) {
      Parameter& parameter = parameters.all()[p];
      const AdamWStep step(options_, parameter, rate, n_steps(), gradient_factor());
      float* value = parameter.value.f32();
      const float* gradient = parameter.gradient.f32();
      float* mean = moments_[p].mean.tensor.f32();
      float* square = moments_[p].square.tensor.f32();
      for_parts(tools_.threads, parameter.value.shape().elements(), [&](int64_t begin, int64_t end) {
        step.apply(gradient + begin, mean + begin, square + begin, value + begin, end - begin);
      });
    }
  }

  OptimizerOptions options_;
  OptimizerTools tools_;
  std::vector<Moments> moments_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adamw(const Parameters& parameters, const OptimizerOptions& options,
                                      OptimizerTools tools) {
  return std::make_unique<AdamW>(parameters, options, tools);
}

}  // namespace ondol::train
