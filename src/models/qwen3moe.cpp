// Qwen3-MoE (Yang et al., 2025): Qwen3 with experts in the layers that have a router. GGUF files without
// "expert_weights_norm" normalise the weights of the chosen experts.
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
  Tensor q_norm;  // [k_dim]
  Tensor k_norm;
  Weight attention_output;
  Tensor mlp_norm;
  bool is_sparse = false;
  MoeLayer moe;  // of sparse layers
  GatedMlp mlp;  // of the others
};

class Qwen3Moe final : public Model {
 public:
  Result<void> load(WeightLoader& loader);
  Tensor forward(const Batch& batch, KvCache& cache, Context& context) const override;

 private:
  Result<Layer> load_layer(WeightLoader& loader, int i, const AttentionParams& attention) const;
  Result<MoeLayer> load_moe(WeightLoader& loader, const std::string& prefix) const;
  void add_attention(const Layer& layer, Tensor x, const BatchRows& rows, const Tensor& angles, const KvLayer& kv,
                     Context& context) const;
  void add_mlp(const Layer& layer, Tensor x, Context& context) const;

  Tensor token_embedding_;
  std::vector<Layer> layers_;
  Tensor output_norm_;
  Weight output_;
  Rope rope_;
  float epsilon_ = 0.0f;
};

Result<void> Qwen3Moe::load(WeightLoader& loader) {
  config_ = ONDOL_TRY(loader.decoder_config());
  epsilon_ = ONDOL_TRY(loader.rms_epsilon());
  std::vector<AttentionParams> attention = ONDOL_TRY(loader.attention_layers(config_));
  ONDOL_TRY(loader.set_windows(attention, 0));
  rope_ = Rope(ONDOL_TRY(rope_params(loader, config_, attention[0].k_dim)));
  token_embedding_ = ONDOL_TRY(loader.weight("token_embd", {config_.vocabulary_size, config_.width})).matrix;
  output_norm_ = ONDOL_TRY(loader.vector("output_norm.weight", config_.width));
  output_ = ONDOL_TRY(loader.output(config_));
  for (int i = 0; i < config_.n_layers; ++i) {
    layers_.push_back(ONDOL_TRY(load_layer(loader, i, attention[static_cast<size_t>(i)])));
  }
  return {};
}

Result<Layer> Qwen3Moe::load_layer(WeightLoader& loader, int i, const AttentionParams& attention) const {
  const std::string prefix = fmt::format("blk.{}.", i);
  const int64_t width = config_.width;
  Layer layer;
  layer.attention = attention;
  layer.attention_norm = ONDOL_TRY(loader.vector(prefix + "attn_norm.weight", width));
  layer.qkv = ONDOL_TRY(loader.qkv(prefix, attention, width));
  layer.q_norm = ONDOL_TRY(loader.vector(prefix + "attn_q_norm.weight", attention.k_dim));
  layer.k_norm = ONDOL_TRY(loader.vector(prefix + "attn_k_norm.weight", attention.k_dim));
  layer.attention_output =
      ONDOL_TRY(loader.weight(prefix + "attn_output", {width, int64_t{attention.n_heads} * attention.v_dim}));
  layer.mlp_norm = ONDOL_TRY(loader.vector(prefix + "ffn_norm.weight", width));
  layer.is_sparse = loader.has_tensor(prefix + "ffn_gate_inp.weight");
  if (layer.is_sparse) {
    layer.moe = ONDOL_TRY(load_moe(loader, prefix));
    return layer;
  }
  layer.mlp = ONDOL_TRY(loader.gated_mlp(prefix, ONDOL_TRY(loader.inner_width(i, config_.n_layers)), width));
  return layer;
}

Result<MoeLayer> Qwen3Moe::load_moe(WeightLoader& loader, const std::string& prefix) const {
  const int64_t n_experts = ONDOL_TRY(loader.integer("expert_count", 1, kMaxExperts));
  const int64_t inner = ONDOL_TRY(loader.integer("expert_feed_forward_length", 1, kMaxWidth));
  MoeLayer moe;
  moe.router = ONDOL_TRY(loader.weight(prefix + "ffn_gate_inp", {n_experts, config_.width}));
  moe.route.n_used = static_cast<int>(ONDOL_TRY(loader.integer("expert_used_count", 1, n_experts)));
  moe.route.normalize = ONDOL_TRY(loader.flag_or("expert_weights_norm", true));
  moe.experts = ONDOL_TRY(loader.experts(prefix, n_experts, inner, config_.width));
  return moe;
}

Tensor Qwen3Moe::forward(const Batch& batch, KvCache& cache, Context& context) const {
  const BatchRows rows(batch);
  const Tensor embedded = embed(context, token_embedding_, batch.tokens);
  const Tensor angles = rope_.angles(rows.positions, context.arena);
  DecoderParts parts;
  parts.mix = [&](int i, Tensor x) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    add_attention(layer, x, rows, angles, cache.layer(i), context);
  };
  parts.transform = [&](int i, Tensor x) { add_mlp(layers_[static_cast<size_t>(i)], x, context); };
  parts.norm = [&](const Tensor& x) { return rms_norm(context, x, output_norm_, epsilon_); };
  parts.output = [&](const Tensor& hidden) { return linear(context, hidden, output_); };
  return run_decoder(context, batch, config_.n_layers, embedded, parts);
}

void Qwen3Moe::add_attention(const Layer& layer, Tensor x, const BatchRows& rows, const Tensor& angles,
                             const KvLayer& kv, Context& context) const {
  ArenaScope scope(context.arena);
  const Tensor h = rms_norm(context, x, layer.attention_norm, epsilon_);
  const auto [q, k, v] = linear_all(context, h, {&layer.qkv.q, &layer.qkv.k, &layer.qkv.v});
  rms_norm_heads(context, q, layer.q_norm, epsilon_);
  rms_norm_heads(context, k, layer.k_norm, epsilon_);
  context.backend.rope(q, layer.attention.k_dim, 0, angles, RopePairs::kHalves);
  context.backend.rope(k, layer.attention.k_dim, 0, angles, RopePairs::kHalves);
  const Tensor mixed = attention(context, layer.attention, q, k, v, kv, rows.slices);
  add_linear(context, mixed, layer.attention_output, x);
}

void Qwen3Moe::add_mlp(const Layer& layer, Tensor x, Context& context) const {
  ArenaScope scope(context.arena);
  const Tensor h = rms_norm(context, x, layer.mlp_norm, epsilon_);
  if (!layer.is_sparse) return add_gated_mlp(context, h, layer.mlp, x);
  add_moe(context, h, layer.moe, x);
}

}  // namespace

Result<std::unique_ptr<Model>> load_qwen3moe(WeightLoader& loader) {
  return load_as<Qwen3Moe>(loader);
}

}  // namespace ondol
