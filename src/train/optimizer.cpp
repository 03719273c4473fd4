#include "train/optimizer.h"

#include "train/optimizers/optimizers.h"

namespace ondol::train {
namespace {

struct Entry {
  OptimizerKind kind;
  std::string_view name;
  double state_bytes;
  std::unique_ptr<Optimizer> (*make)(const Parameters&, const OptimizerOptions&, OptimizerTools);
};

constexpr Entry kOptimizers[] = {
    {OptimizerKind::kAdamW, "adamw", 8, make_adamw},
    {OptimizerKind::kAdamW8Bit, "adamw-8bit", 2 + 8.0 / kStateBlock, make_adamw_8bit},
    {OptimizerKind::kAdamWBf16, "adamw-bf16", 4, make_adamw_bf16},
    {OptimizerKind::kMuon, "muon", 4, make_muon},
    {OptimizerKind::kLion, "lion", 4, make_lion},
};

const Entry& entry_of(OptimizerKind kind) {
  for (const Entry& entry : kOptimizers) {
    if (entry.kind == kind) return entry;
  }
  ONDOL_CHECK(false);
  return kOptimizers[0];
}

}  // namespace

std::string_view optimizer_name(OptimizerKind kind) {
  return entry_of(kind).name;
}

double state_bytes_per_number(OptimizerKind kind) {
  return entry_of(kind).state_bytes;
}

std::unique_ptr<Optimizer> create_optimizer(const Parameters& parameters, const OptimizerOptions& options,
                                            OptimizerTools tools) {
  return entry_of(options.kind).make(parameters, options, tools);
}

std::vector<Moments> make_moments(const Parameters& parameters, DType type) {
  std::vector<Moments> moments;
  for (const Parameter& parameter : parameters.all()) {
    const Shape& shape = parameter.value.shape();
    moments.push_back({parameter.name, {type, shape}, {type, shape}});
  }
  return moments;
}

std::vector<TensorEntry> states_of(std::vector<Moments>& moments) {
  std::vector<TensorEntry> entries;
  for (Moments& own : moments) {
    entries.push_back({own.name + ".mean", own.mean.tensor});
    entries.push_back({own.name + ".square", own.square.tensor});
  }
  return entries;
}

AdamWStep::AdamWStep(const OptimizerOptions& options, const Parameter& parameter, double rate, int64_t n_steps,
                     float factor)
    : gradient_factor(factor) {
  const auto t = static_cast<double>(n_steps);
  rate *= parameter.rate_factor;
  beta1 = static_cast<float>(options.beta1);
  beta2 = static_cast<float>(options.beta2);
  epsilon = static_cast<float>(options.epsilon);
  step_size = static_cast<float>(rate / (1.0 - std::pow(options.beta1, t)));
  correction = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(options.beta2, t)));
  kept = static_cast<float>(1.0 - (parameter.is_matrix() ? rate * options.decay : 0.0));
}

}  // namespace ondol::train
