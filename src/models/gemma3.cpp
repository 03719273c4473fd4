// Gemma 3, text (Gemma team, 2025): Gemma 2 without caps on the attention logits, with norms on each head's queries and
// keys, five layers with a sliding window for each that attends to everything, and another rotary base for these five.
//
// The scale of the attention logits is not in GGUF files: it is 1 / sqrt(k_dim), but 1 / sqrt(D / n_heads) in the 27B
// model, which is known by its 62 layers.
#include <cmath>

#include <fmt/format.h>

#include "models/batch.h"
#include "models/decoder_pass.h"
#include "models/registry.h"
#include "models/rope_metadata.h"
#include "nn/mlp.h"
#include "nn/norm.h"

namespace ondol {
namespace {

constexpr int kLayersOf27B = 62;

struct Layer {
  Tensor attention_norm;
  AttentionParams attention;
  QkvWeights qkv;
  Tensor q_norm;  // [k_dim]
  Tensor k_norm;
  Weight attention_output;
  Tensor after_attention_norm;
  Tensor mlp_norm;
  GatedMlp mlp;
  Tensor after_mlp_norm;
};

class Gemma3 final : public Model {
 public:
  Result<void> load(WeightLoader& loader);
  Tensor forward(const Batch& batch, KvCache& cache, Context& context) const override;

 private:
  Result<Layer> load_layer(WeightLoader& loader, int i, const AttentionParams& attention) const;
  void add_attention(const Layer& layer, Tensor x, const BatchRows& rows, const Tensor& angles, const KvLayer& kv,
                     Context& context) const;
  void add_mlp(const Layer& layer, Tensor x, Context& context) const;

  Tensor token_embedding_;
  std::vector<Layer> layers_;
  Tensor output_norm_;
  Weight output_;
  Rope global_rope_;
  Rope local_rope_;  // of layers with a window
  float epsilon_ = 0.0f;
  float output_softcap_ = 0.0f;
};

Result<void> Gemma3::load(WeightLoader& loader) {
  config_ = ONDOL_TRY(loader.decoder_config());
  epsilon_ = ONDOL_TRY(loader.rms_epsilon());
  std::vector<AttentionParams> attention = ONDOL_TRY(loader.attention_layers(config_));
  ONDOL_TRY(loader.set_windows(attention, 6));
  for (AttentionParams& params : attention) {
    if (config_.n_layers == kLayersOf27B && !loader.has_key("attention.scale")) {
      params.scale = 1.0f / std::sqrt(static_cast<float>(config_.width / params.n_heads));
    }
  }
  output_softcap_ = static_cast<float>(ONDOL_TRY(loader.number_or("final_logit_softcapping", 0.0, 0.0, 1e6)));
  const RopeParams rope = ONDOL_TRY(rope_params(loader, config_, attention[0].k_dim));
  global_rope_ = Rope(rope);
  RopeParams local;
  local.n_rotated = rope.n_rotated;
  local.base = ONDOL_TRY(loader.number_or("rope.freq_base_swa", 10000.0, 1.0 + 1e-6, 1e15));
  local_rope_ = Rope(local);
  token_embedding_ = ONDOL_TRY(loader.weight("token_embd", {config_.vocabulary_size, config_.width})).matrix;
  output_norm_ = ONDOL_TRY(loader.vector("output_norm.weight", config_.width));
  output_ = ONDOL_TRY(loader.output(config_));
  for (int i = 0; i < config_.n_layers; ++i) {
    layers_.push_back(ONDOL_TRY(load_layer(loader, i, attention[static_cast<size_t>(i)])));
  }
  return {};
}

Result<Layer> Gemma3::load_layer(WeightLoader& loader, int i, const AttentionParams& attention) const {
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
  layer.after_attention_norm = ONDOL_TRY(loader.vector(prefix + "post_attention_norm.weight", width));
  layer.mlp_norm = ONDOL_TRY(loader.vector(prefix + "ffn_norm.weight", width));
  layer.mlp = ONDOL_TRY(loader.gated_mlp(prefix, ONDOL_TRY(loader.inner_width(i, config_.n_layers)), width));
  layer.mlp.unit.activation = Activation::kGeluTanh;
  layer.after_mlp_norm = ONDOL_TRY(loader.vector(prefix + "post_ffw_norm.weight", width));
  return layer;
}

Tensor Gemma3::forward(const Batch& batch, KvCache& cache, Context& context) const {
  const BatchRows rows(batch);
  const Tensor embedded = embed(context, token_embedding_, batch.tokens);
  context.backend.scale(embedded, std::sqrt(static_cast<float>(config_.width)));
  const Tensor global_angles = global_rope_.angles(rows.positions, context.arena);
  const Tensor local_angles = local_rope_.angles(rows.positions, context.arena);
  DecoderParts parts;
  parts.mix = [&](int i, Tensor x) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    const Tensor& angles = layer.attention.window > 0 ? local_angles : global_angles;
    add_attention(layer, x, rows, angles, cache.layer(i), context);
  };
  parts.transform = [&](int i, Tensor x) { add_mlp(layers_[static_cast<size_t>(i)], x, context); };
  parts.norm = [&](const Tensor& x) { return rms_norm(context, x, output_norm_, epsilon_); };
  parts.output = [&](const Tensor& hidden) { return capped_linear(context, hidden, output_, output_softcap_); };
  return run_decoder(context, batch, config_.n_layers, embedded, parts);
}

void Gemma3::add_attention(const Layer& layer, Tensor x, const BatchRows& rows, const Tensor& angles, const KvLayer& kv,
                           Context& context) const {
  ArenaScope scope(context.arena);
  const Tensor h = rms_norm(context, x, layer.attention_norm, epsilon_);
  const auto [q, k, v] = linear_all(context, h, {&layer.qkv.q, &layer.qkv.k, &layer.qkv.v});
  rms_norm_heads(context, q, layer.q_norm, epsilon_);
  rms_norm_heads(context, k, layer.k_norm, epsilon_);
  context.backend.rope(q, layer.attention.k_dim, 0, angles, RopePairs::kHalves);
  context.backend.rope(k, layer.attention.k_dim, 0, angles, RopePairs::kHalves);
  const Tensor mixed = attention(context, layer.attention, q, k, v, kv, rows.slices);
  add_rms_norm(context, x, linear(context, mixed, layer.attention_output), layer.after_attention_norm, epsilon_);
}

void Gemma3::add_mlp(const Layer& layer, Tensor x, Context& context) const {
  ArenaScope scope(context.arena);
  const Tensor h = rms_norm(context, x, layer.mlp_norm, epsilon_);
  add_rms_norm(context, x, gated_mlp(context, h, layer.mlp), layer.after_mlp_norm, epsilon_);
}

}  // namespace

Result<std::unique_ptr<Model>> load_gemma3(WeightLoader& loader) {
  return load_as<Gemma3>(loader);
}

}  // namespace ondol
