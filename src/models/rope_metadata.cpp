#include "models/rope_metadata.h"

#include <cmath>

#include <fmt/format.h>

namespace ondol {
namespace {

constexpr double kMaxFactor = 1e6;

Result<RopeParams::Scaling> scaling_type(const WeightLoader& loader) {
  using Scaling = RopeParams::Scaling;
  const std::string type = ONDOL_TRY(loader.text_or("rope.scaling.type", "linear"));
  if (type == "none" || type == "default") return Scaling::kNone;
  if (type == "linear") return Scaling::kLinear;
  if (type == "dynamic") return Scaling::kDynamic;
  if (type == "yarn") return Scaling::kYarn;
  if (type == "longrope" || type == "su") return Scaling::kLongRope;
  return Error(fmt::format("{}: key '{}.rope.scaling.type': expected none, linear, dynamic, yarn or longrope, got '{}'",
                           loader.file().path(), loader.architecture(), type));
}

Result<std::vector<float>> divisors(WeightLoader& loader, const std::string& name, int n_rotated) {
  const Tensor tensor = ONDOL_TRY(loader.optional_vector(name, n_rotated / 2));
  if (tensor.empty()) return std::vector<float>();
  std::vector<float> values(tensor.f32(), tensor.f32() + tensor.columns());
  for (const float value : values) {
    if (value > 0.0f && std::isfinite(value)) continue;
    return Error(fmt::format("{}: tensor '{}': expected positive numbers, got {}", loader.file().path(), name, value));
  }
  return values;
}

/// YaRN's temperature: given outright, or made from the factor; yarn_log_multiplier is what DeepSeek calls
/// mscale_all_dim, with an mscale of 1.
Result<double> yarn_attention_factor_of(const WeightLoader& loader, double factor) {
  if (loader.has_key("rope.scaling.yarn_attn_factor")) {
    return loader.number("rope.scaling.yarn_attn_factor", 1e-6, kMaxFactor);
  }
  const double all_dims = ONDOL_TRY(loader.number_or("rope.scaling.yarn_log_multiplier", 0.0, 0.0, kMaxFactor));
  return yarn_attention_factor(factor) / yarn_attention_factor(factor, all_dims);
}

Result<void> read_long_rope(WeightLoader& loader, RopeParams& params) {
  params.divisors = ONDOL_TRY(divisors(loader, "rope_factors_short.weight", params.n_rotated));
  params.long_divisors = ONDOL_TRY(divisors(loader, "rope_factors_long.weight", params.n_rotated));
  if (!params.divisors.empty() && !params.long_divisors.empty()) return {};
  return Error(fmt::format("{}: LongRoPE needs the tensors 'rope_factors_short.weight' and 'rope_factors_long.weight'",
                           loader.file().path()));
}

}  // namespace

Result<RopeParams> rope_params(WeightLoader& loader, const ModelConfig& config, int head_dim) {
  using Scaling = RopeParams::Scaling;
  RopeParams params;
  params.n_rotated = static_cast<int>(ONDOL_TRY(loader.integer_or("rope.dimension_count", head_dim, 2, head_dim)));
  if (params.n_rotated % 2 != 0 || params.n_rotated < 2) {
    return Error(fmt::format("{}: key '{}.rope.dimension_count': expected an even number, got {}", loader.file().path(),
                             loader.architecture(), params.n_rotated));
  }
  params.base = ONDOL_TRY(loader.number_or("rope.freq_base", 10000.0, 1.0 + 1e-6, 1e15));
  params.scaling = ONDOL_TRY(scaling_type(loader));
  const double old_factor = ONDOL_TRY(loader.number_or("rope.scale_linear", 1.0, 0.0, kMaxFactor));
  params.factor = ONDOL_TRY(loader.number_or("rope.scaling.factor", old_factor, 0.0, kMaxFactor));
  if (params.factor == 0.0) params.factor = 1.0;  // GGUF writers mean "unset"
  const int64_t original =
      ONDOL_TRY(loader.integer_or("rope.scaling.original_context_length", config.context_length, 0, kMaxContext));
  params.original_context = static_cast<double>(original == 0 ? config.context_length : original);
  params.attention_factor = ONDOL_TRY(loader.number_or("rope.scaling.attn_factor", 1.0, 1e-6, kMaxFactor));
  params.beta_fast = ONDOL_TRY(loader.number_or("rope.scaling.yarn_beta_fast", 32.0, 1e-6, kMaxFactor));
  params.beta_slow = ONDOL_TRY(loader.number_or("rope.scaling.yarn_beta_slow", 1.0, 1e-6, kMaxFactor));
  params.truncate = ONDOL_TRY(loader.flag_or("rope.scaling.yarn_truncate", true));
  if (params.scaling == Scaling::kYarn) {
    params.attention_factor *= ONDOL_TRY(yarn_attention_factor_of(loader, params.factor));
  }
  const bool has_lists = loader.has_tensor("rope_factors_long.weight");
  if (has_lists && params.scaling != Scaling::kYarn) params.scaling = Scaling::kLongRope;
  if (params.scaling == Scaling::kLongRope) {
    ONDOL_TRY(read_long_rope(loader, params));
  } else {
    params.divisors = ONDOL_TRY(divisors(loader, "rope_freqs.weight", params.n_rotated));
  }
  return params;
}

Result<RopePairs> rope_pairs(const WeightLoader& loader, RopePairs custom) {
  const std::string key = "ondol.rope_pairs";
  const std::string pairs = ONDOL_TRY(loader.file().meta_string_or(key, ""));
  if (pairs.empty()) return custom;
  if (pairs == "halves") return RopePairs::kHalves;
  if (pairs == "interleaved") return RopePairs::kInterleaved;
  return Error(fmt::format("{}: key '{}': expected halves or interleaved, got '{}'", loader.file().path(), key, pairs));
}

}  // namespace ondol
