// AdamW with both moments in BF16. A number lies between two of BF16's; which one is taken is drawn, so that on average
// nothing is lost: random bits below the kept ones are added, and what is below is cut off.
#include <bit>

#include "base/philox.h"
#include "train/optimizers/optimizers.h"

namespace ondol::train {
namespace {

float widened(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

/// `noise` is uniform in [0, 2^16). Infinities and what is no number stay what they are.
uint16_t rounded(float x, uint32_t noise) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const bool is_finite = (bits & 0x7F800000u) != 0x7F800000u;
  return static_cast<uint16_t>((is_finite ? bits + (noise & 0xFFFFu) : bits) >> 16);
}

class AdamWBf16 final : public Optimizer {
 public:
  AdamWBf16(const Parameters& parameters, const OptimizerOptions& options, OptimizerTools tools)
      : options_(options), tools_(tools), moments_(make_moments(parameters, DType::BF16)) {}

  std::vector<TensorEntry> states() override { return states_of(moments_); }

 private:
  void update(Parameters& parameters, double rate) override {
    ONDOL_CHECK(parameters.all().size() == moments_.size());
    for (size_t p = 0; p < moments_.size(); ++p) {
      Parameter& parameter = parameters.all()[p];
      const AdamWStep step(options_, parameter, rate, n_steps(), gradient_factor());
      for_parts(tools_.threads, parameter.value.shape().elements(), [&](int64_t begin, int64_t end) {
        for (; begin < end; begin += 4) update_four(step, parameter, p, begin, std::min<int64_t>(4, end - begin));
      });
    }
  }

  /// One draw of Philox is enough for both moments of four numbers.
  void update_four(const AdamWStep& step, Parameter& parameter, size_t p, int64_t begin, int64_t n) {
    const auto four = static_cast<uint64_t>(begin / 4);
    const PhiloxCounter noise =
        philox4x32({static_cast<uint32_t>(four), static_cast<uint32_t>(four >> 32), static_cast<uint32_t>(n_steps()),
                    static_cast<uint32_t>(p)},
                   {static_cast<uint32_t>(options_.seed), static_cast<uint32_t>(options_.seed >> 32)});
    auto* means = reinterpret_cast<uint16_t*>(moments_[p].mean.tensor.bytes()) + begin;
    auto* squares = reinterpret_cast<uint16_t*>(moments_[p].square.tensor.bytes()) + begin;
    for (int64_t i = 0; i < n; ++i) {
      float mean = widened(means[i]);
      float square = widened(squares[i]);
      step.apply(parameter.gradient.f32()[begin + i], mean, square, parameter.value.f32()[begin + i]);
      means[i] = rounded(mean, noise[static_cast<size_t>(i)]);
      squares[i] = rounded(square, noise[static_cast<size_t>(i)] >> 16);
    }
  }

  OptimizerOptions options_;
  OptimizerTools tools_;
  std::vector<Moments> moments_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adamw_bf16(const Parameters& parameters, const OptimizerOptions& options,
                                           OptimizerTools tools) {
  return std::make_unique<AdamWBf16>(parameters, options, tools);
}

}  // namespace ondol::train
