// Llama 1 to 3 and what shares its architecture: Mistral (sliding window), Ministral 3 ("mistral3", whose queries grow
// with the position) and Mixtral (experts). Touvron et al., 2023; Jiang et al., 2023 and 2024.
//
// GGUF stores the rows of the query and key projections so that rotary pairs are neighbours.
#include <cmath>

#include <fmt/format.h>

#include "models/batch.h"
#include "models/decoder_pass.h"
#include "models/registry.h"
#include "models/rope_metadata.h"
#include "nn/mlp.h"
#include "nn/moe.h"
#include "nn/norm.h"

namespace ondol {
namespace {

struct Layer {
  Tensor attention_norm;
  AttentionParams attention;
  QkvWeights qkv;
  Weight attention_output;
  Tensor mlp_norm;
  GatedMlp mlp;
  MoeLayer moe;  // in place of mlp, where the model has experts
};

class Llama final : public Model {
 public:
  Result<void> load(WeightLoader& loader);
  Tensor forward(const Batch& batch, KvCache& cache, Context& context) const override;

 private:
  struct Step {
    const BatchRows& rows;
    Tensor q_angles;
    Tensor k_angles;
  };

  Result<Layer> load_layer(WeightLoader& loader, int i, const AttentionParams& attention) const;
  Result<MoeLayer> load_moe(WeightLoader& loader, const std::string& prefix) const;
  Tensor grown_with_position(const Tensor& angles, const BatchRows& rows, Arena& arena) const;
  void add_attention(const Layer& layer, Tensor x, const Step& step, const KvLayer& kv, Context& context) const;
  void add_mlp(const Layer& layer, Tensor x, Context& context) const;

  Tensor token_embedding_;
  std::vector<Layer> layers_;
  Tensor output_norm_;
  Weight output_;
  Rope rope_;
  RopePairs pairs_ = RopePairs::kInterleaved;
  float epsilon_ = 0.0f;
  double temperature_scale_ =
      0.0;  // Ministral 3: queries are multiplied by 1 + this * ln(1 + floor(position / length))
  double temperature_length_ = 1.0;
};

Result<void> Llama::load(WeightLoader& loader) {
  config_ = ONDOL_TRY(loader.decoder_config());
  epsilon_ = ONDOL_TRY(loader.rms_epsilon());
  std::vector<AttentionParams> attention = ONDOL_TRY(loader.attention_layers(config_));
  ONDOL_TRY(loader.set_windows(attention, 0));
  const RopeParams rope = ONDOL_TRY(rope_params(loader, config_, attention[0].k_dim));
  rope_ = Rope(rope);
  config_.rotation_changes_after = rope_.changes_after();
  pairs_ = ONDOL_TRY(rope_pairs(loader, RopePairs::kInterleaved));
  temperature_scale_ = ONDOL_TRY(loader.number_or("attention.temperature_scale", 0.0, 0.0, 1e3));
  temperature_length_ = rope.original_context;
  output_ = ONDOL_TRY(loader.output(config_));
  token_embedding_ = ONDOL_TRY(loader.weight("token_embd", {config_.vocabulary_size, config_.width})).matrix;
  output_norm_ = ONDOL_TRY(loader.vector("output_norm.weight", config_.width));
  for (int i = 0; i < config_.n_layers; ++i) {
    layers_.push_back(ONDOL_TRY(load_layer(loader, i, attention[static_cast<size_t>(i)])));
  }
  return {};
}

Result<Layer> Llama::load_layer(WeightLoader& loader, int i, const AttentionParams& attention) const {
  const std::string prefix = fmt::format("blk.{}.", i);
  const int64_t width = config_.width;
  Layer layer;
  layer.attention = attention;
  layer.attention_norm = ONDOL_TRY(loader.vector(prefix + "attn_norm.weight", width));
  layer.qkv = ONDOL_TRY(loader.qkv(prefix, attention, width));
  layer.attention_output =
      ONDOL_TRY(loader.weight(prefix + "attn_output", {width, int64_t{attention.n_heads} * attention.v_dim}));
  layer.mlp_norm = ONDOL_TRY(loader.vector(prefix + "ffn_norm.weight", width));
  if (loader.has_tensor(prefix + "ffn_gate_inp.weight")) {
    layer.moe = ONDOL_TRY(load_moe(loader, prefix));
    return layer;
  }
  layer.mlp = ONDOL_TRY(loader.gated_mlp(prefix, ONDOL_TRY(loader.inner_width(i, config_.n_layers)), width));
  return layer;
}

Result<MoeLayer> Llama::load_moe(WeightLoader& loader, const std::string& prefix) const {
  const int64_t n_experts = ONDOL_TRY(loader.integer("expert_count", 1, kMaxExperts));
  const int64_t inner = ONDOL_TRY(loader.integer("feed_forward_length", 1, kMaxWidth));
  MoeLayer moe;
  moe.router = ONDOL_TRY(loader.weight(prefix + "ffn_gate_inp", {n_experts, config_.width}));
  moe.route.n_used = static_cast<int>(ONDOL_TRY(loader.integer("expert_used_count", 1, n_experts)));
  moe.route.normalize = true;
  moe.experts = ONDOL_TRY(loader.experts(prefix, n_experts, inner, config_.width));
  return moe;
}

Tensor Llama::forward(const Batch& batch, KvCache& cache, Context& context) const {
  const BatchRows rows(batch);
  const Tensor embedded = embed(context, token_embedding_, batch.tokens);
  const Tensor angles = rope_.angles(rows.positions, context.arena);
  const Step step{rows, grown_with_position(angles, rows, context.arena), angles};
  DecoderParts parts;
  parts.mix = [&](int i, Tensor x) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    add_attention(layer, x, step, cache.layer(i), context);
  };
  parts.transform = [&](int i, Tensor x) { add_mlp(layers_[static_cast<size_t>(i)], x, context); };
  parts.norm = [&](const Tensor& x) { return rms_norm(context, x, output_norm_, epsilon_); };
  parts.output = [&](const Tensor& hidden) { return linear(context, hidden, output_); };
  return run_decoder(context, batch, config_.n_layers, embedded, parts);
}

/// Angles by which queries turn and are scaled at once.
Tensor Llama::grown_with_position(const Tensor& angles, const BatchRows& rows, Arena& arena) const {
  if (temperature_scale_ == 0.0) return angles;
  Tensor grown = arena.f32(angles.shape());
  int64_t row = 0;
  for (const PositionRun& run : rows.positions) {
    for (int i = 0; i < run.n_rows; ++i, ++row) {
      const double length = std::floor((run.first_position + i) / temperature_length_);
      const auto factor = static_cast<float>(1.0 + temperature_scale_ * std::log(1.0 + length));
      for (int64_t c = 0; c < angles.columns(); ++c) grown.f32(row)[c] = angles.f32(row)[c] * factor;
    }
  }
  return grown;
}

void Llama::add_attention(const Layer& layer, Tensor x, const Step& step, const KvLayer& kv, Context& context) const {
  ArenaScope scope(context.arena);
  const Tensor h = rms_norm(context, x, layer.attention_norm, epsilon_);
  const auto [q, k, v] = linear_all(context, h, {&layer.qkv.q, &layer.qkv.k, &layer.qkv.v});
  context.backend.rope(q, layer.attention.k_dim, 0, step.q_angles, pairs_);
  context.backend.rope(k, layer.attention.k_dim, 0, step.k_angles, pairs_);
  const Tensor mixed = attention(context, layer.attention, q, k, v, kv, step.rows.slices);
  add_linear(context, mixed, layer.attention_output, x);
}

void Llama::add_mlp(const Layer& layer, Tensor x, Context& context) const {
  ArenaScope scope(context.arena);
  const Tensor h = rms_norm(context, x, layer.mlp_norm, epsilon_);
  if (layer.moe.experts.down.empty()) {
    add_gated_mlp(context, h, layer.mlp, x);
  } else {
    add_moe(context, h, layer.moe, x);
  }
}

}  // namespace

Result<std::unique_ptr<Model>> load_llama(WeightLoader& loader) {
  return load_as<Llama>(loader);
}

}  // namespace ondol
