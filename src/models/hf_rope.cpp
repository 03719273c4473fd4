#include "models/hf_rope.h"

#include <cmath>

#include <fmt/format.h>

#include "models/llama3_rope.h"
#include "nn/rope.h"

namespace ondol {
namespace {

constexpr int64_t kMaxHeadDim = 1 << 16;  // far above any model; bounds what follows

/// Positions before the context was stretched. Phi-3 has the number beside the parameters, not among them.
Result<int64_t> original_context(const HfConfig& config, const HfRope& rope) {
  const int64_t whole = ONDOL_TRY(config.integer_or({"max_position_embeddings"}, 2048));
  const int64_t inner = int_or(rope.parameters, "original_max_position_embeddings", whole);
  const int64_t n = ONDOL_TRY(config.integer_or({"original_max_position_embeddings"}, inner));
  if (n <= 0) return Error("\"original_max_position_embeddings\" must be positive").in(config.path());
  return n;
}

/// "factor", or else how much longer the context is than the original one.
Result<double> stretch(const HfConfig& config, const HfRope& rope, int64_t original) {
  const double whole = ONDOL_TRY(config.number_or({"max_position_embeddings"}, static_cast<double>(original)));
  const double factor = double_or(rope.parameters, "factor", whole / static_cast<double>(original));
  if (!(factor > 0.0)) return Error("the \"factor\" of the rotary embedding must be positive").in(config.path());
  return factor;
}

Result<void> add_yarn(const HfConfig& config, const HfRope& rope, MetaBuilder& meta, bool deepseek) {
  const int64_t original = ONDOL_TRY(original_context(config, rope));
  const double factor = ONDOL_TRY(stretch(config, rope, original));
  meta.text("rope.scaling.type", "yarn");
  meta.f32("rope.scaling.factor", factor);
  meta.u32("rope.scaling.original_context_length", original);
  if (const double fast = double_or(rope.parameters, "beta_fast", 0.0)) meta.f32("rope.scaling.yarn_beta_fast", fast);
  if (const double slow = double_or(rope.parameters, "beta_slow", 0.0)) meta.f32("rope.scaling.yarn_beta_slow", slow);
  if (!bool_or(rope.parameters, "truncate", true)) meta.flag("rope.scaling.yarn_truncate", false);

  const double mscale = double_or(rope.parameters, "mscale", 0.0);
  const double mscale_all = double_or(rope.parameters, "mscale_all_dim", 0.0);
  double temperature = yarn_attention_factor(factor);
  if (mscale != 0.0 && mscale_all != 0.0) {
    temperature = yarn_attention_factor(factor, mscale) / yarn_attention_factor(factor, mscale_all);
  }
  temperature = double_or(rope.parameters, "attention_factor", temperature);
  double usual = yarn_attention_factor(factor);
  if (deepseek && mscale_all != 0.0) {
    meta.f32("rope.scaling.yarn_log_multiplier", 0.1 * mscale_all);
    usual = 1.0;
  }
  if (std::abs(temperature - usual) > 1e-9) meta.f32("rope.scaling.attn_factor", temperature / usual);
  return {};
}

Result<void> add_longrope(const HfConfig& config, const HfRope& rope, MetaBuilder& meta, CanonicalParts& parts,
                          int64_t n_rotated) {
  const int64_t original = ONDOL_TRY(original_context(config, rope));
  const double factor = ONDOL_TRY(stretch(config, rope, original));
  const double usual = factor <= 1.0 || original <= 1
                           ? 1.0
                           : std::sqrt(1.0 + std::log(factor) / std::log(static_cast<double>(original)));
  meta.text("rope.scaling.type", "longrope");
  meta.f32("rope.scaling.factor", factor);
  meta.u32("rope.scaling.original_context_length", original);
  meta.f32("rope.scaling.attn_factor", double_or(rope.parameters, "attention_factor", usual));
  for (const auto& [name, key] :
       {std::pair("rope_factors_long.weight", "long_factor"), std::pair("rope_factors_short.weight", "short_factor")}) {
    std::vector<float> factors = numbers_of(rope.parameters, key);
    if (static_cast<int64_t>(factors.size()) != n_rotated / 2) {
      return Error(fmt::format("\"{}\": expected {} numbers, got {}", key, n_rotated / 2, factors.size()))
          .in(config.path());
    }
    parts.vectors.emplace_back(name, std::move(factors));
  }
  return {};
}

Result<void> add_llama3(const HfConfig& config, const HfRope& rope, CanonicalParts& parts, int64_t n_rotated,
                        double theta) {
  Llama3Rope settings;
  settings.factor = double_or(rope.parameters, "factor", settings.factor);
  settings.low_freq_factor = double_or(rope.parameters, "low_freq_factor", settings.low_freq_factor);
  settings.high_freq_factor = double_or(rope.parameters, "high_freq_factor", settings.high_freq_factor);
  settings.original_context = ONDOL_TRY(original_context(config, rope));
  if (!(settings.factor > 0.0) || !(settings.high_freq_factor > settings.low_freq_factor)) {
    return Error("the rotary embedding of type \"llama3\" needs factor > 0 and high_freq_factor > low_freq_factor")
        .in(config.path());
  }
  const std::vector<double> divisors = llama3_divisors(settings, theta, n_rotated);
  parts.vectors.emplace_back("rope_freqs.weight", std::vector<float>(divisors.begin(), divisors.end()));
  return {};
}

}  // namespace

Result<void> add_rope(const HfConfig& config, MetaBuilder& meta, CanonicalParts& parts, const HfRopeOptions& options) {
  if (options.head_dim < 2 || options.head_dim > kMaxHeadDim) {
    return Error(fmt::format("heads of {} elements are not believed", options.head_dim)).in(config.path());
  }
  const HfRope rope = config.rope("full_attention");
  const double theta = rope.theta > 0.0 ? rope.theta : options.default_theta;
  const double outer = ONDOL_TRY(config.number_or({"partial_rotary_factor", "rotary_emb_fraction"}, 1.0));
  const double fraction = double_or(rope.parameters, "partial_rotary_factor", outer);
  const double rotated = std::floor(static_cast<double>(options.head_dim) * fraction);
  if (!(rotated >= 2.0 && rotated <= static_cast<double>(options.head_dim))) {
    return Error(fmt::format("of {} elements of a head, {} would be rotated", options.head_dim, rotated))
        .in(config.path());
  }
  const auto n_rotated = static_cast<int64_t>(rotated);
  meta.u32("rope.dimension_count", n_rotated);
  meta.f32("rope.freq_base", theta);
  if (rope.type == "yarn") return add_yarn(config, rope, meta, options.deepseek);
  if (rope.type == "longrope" || rope.type == "su") return add_longrope(config, rope, meta, parts, n_rotated);
  if (rope.type == "llama3") return add_llama3(config, rope, parts, n_rotated, theta);
  if (rope.type == "linear" || rope.type == "dynamic") {
    meta.text("rope.scaling.type", rope.type);
    meta.f32("rope.scaling.factor", double_or(rope.parameters, "factor", 1.0));
    if (rope.type == "dynamic") {
      meta.u32("rope.scaling.original_context_length", ONDOL_TRY(original_context(config, rope)));
    }
    return {};
  }
  if (rope.type == "default" || rope.type == "mrope" || rope.type == "none") return {};
  return Error(fmt::format("the rotary embedding is of type \"{}\", which is not supported", rope.type))
      .in(config.path());
}

}  // namespace ondol
