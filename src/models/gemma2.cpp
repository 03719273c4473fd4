// Gemma 2 (Gemma team, 2024): norms before and after each sub-layer, capped attention and output logits, and a sliding
// window on every other layer, beginning with the first.
//
// The scale of the attention logits is not in GGUF files: it is 1 / sqrt(k_dim), but 1 / sqrt(D / n_heads) in the 27B
// model, which is known by its 46 layers.
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

constexpr int kLayersOf27B = 46;

struct Layer {
  Tensor attention_norm;
  AttentionParams attention;
  QkvWeights qkv;
  Weight attention_output;
  Tensor after_attention_norm;
  Tensor mlp_norm;
  GatedMlp mlp;
  Tensor after_mlp_norm;
};

class Gemma2 final : public Model {
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
  Rope rope_;
  float epsilon_ = 0.0f;
  float output_softcap_ = 0.0f;
};

Result<void> Gemma2::load(WeightLoader& loader) {
  config_ = ONDOL_TRY(loader.decoder_config());
  epsilon_ = ONDOL_TRY(loader.rms_epsilon());
  std::vector<AttentionParams> attention = ONDOL_TRY(loader.attention_layers(config_));
  ONDOL_TRY(loader.set_windows(attention, 2, 4096));
  const double softcap = ONDOL_TRY(loader.number_or("attn_logit_softcapping", 50.0, 0.0, 1e6));
  for (AttentionParams& params : attention) {
    params.softcap = static_cast<float>(softcap);
    if (config_.n_layers == kLayersOf27B && !loader.has_key("attention.scale")) {
      params.scale = 1.0f / std::sqrt(static_cast<float>(config_.width / params.n_heads));
    }
  }
  output_softcap_ = static_cast<float>(ONDOL_TRY(loader.number_or("final_logit_softcapping", 30.0, 0.0, 1e6)));
  rope_ = Rope(ONDOL_TRY(rope_params(loader, config_, attention[0].k_dim)));
  token_embedding_ = ONDOL_TRY(loader.weight("token_embd", {config_.vocabulary_size, config_.width})).matrix;
  output_norm_ = ONDOL_TRY(loader.vector("output_norm.weight", config_.width));
  output_ = ONDOL_TRY(loader.output(config_));
  for (int i = 0; i < config_.n_layers; ++i) {
    layers_.push_back(ONDOL_TRY(load_layer(loader, i, attention[static_cast<size_t>(i)])));
  }
  return {};
}

Result<Layer> Gemma2::load_layer(WeightLoader& loader, int i, const AttentionParams& attention) const {
  const std::string prefix = fmt::format("blk.{}.", i);
  const int64_t width = config_.width;
  Layer layer;
  layer.attention = attention;
  layer.attention_norm = ONDOL_TRY(loader.vector(prefix + "attn_norm.weight", width));
  layer.qkv = ONDOL_TRY(loader.qkv(prefix, attention, width));
  layer.attention_output =
      ONDOL_TRY(loader.weight(prefix + "attn_output", {width, int64_t{attention.n_heads} * attention.v_dim}));
  layer.after_attention_norm = ONDOL_TRY(loader.vector(prefix + "post_attention_norm.weight", width));
  layer.mlp_norm = ONDOL_TRY(loader.vector(prefix + "ffn_norm.weight", width));
  layer.mlp = ONDOL_TRY(loader.gated_mlp(prefix, ONDOL_TRY(loader.inner_width(i, config_.n_layers)), width));
  layer.mlp.unit.activation = Activation::kGeluTanh;
  layer.after_mlp_norm = ONDOL_TRY(loader.vector(prefix + "post_ffw_norm.weight", width));
  return layer;
}

Tensor Gemma2::forward(const Batch& batch, KvCache& cache, Context& context) const {
  const BatchRows rows(batch);
  const Tensor embedded = embed(context, token_embedding_, batch.tokens);
  context.backend.scale(embedded, std::sqrt(static_cast<float>(config_.width)));
  const Tensor angles = rope_.angles(rows.positions, context.arena);
  DecoderParts parts;
  parts.mix = [&](int i, Tensor x) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    add_attention(layer, x, rows, angles, cache.layer(i), context);
  };
  parts.transform = [&](int i, Tensor x) { add_mlp(layers_[static_cast<size_t>(i)], x, context); };
  parts.norm = [&](const Tensor& x) { return rms_norm(context, x, output_norm_, epsilon_); };
  parts.output = [&](const Tensor& hidden) { return capped_linear(context, hidden, output_, output_softcap_); };
  return run_decoder(context, batch, config_.n_layers, embedded, parts);
}

void Gemma2::add_attention(const Layer& layer, Tensor x, const BatchRows& rows, const Tensor& angles, const KvLayer& kv,
                           Context& context) const {
  ArenaScope scope(context.arena);
  const Tensor h = rms_norm(context, x, layer.attention_norm, epsilon_);
  const auto [q, k, v] = linear_all(context, h, {&layer.qkv.q, &layer.qkv.k, &layer.qkv.v});
  context.backend.rope(q, layer.attention.k_dim, 0, angles, RopePairs::kHalves);
  context.backend.rope(k, layer.attention.k_dim, 0, angles, RopePairs::kHalves);
  const Tensor mixed = attention(context, layer.attention, q, k, v, kv, rows.slices);
  add_rms_norm(context, x, linear(context, mixed, layer.attention_output), layer.after_attention_norm, epsilon_);
}

void Gemma2::add_mlp(const Layer& layer, Tensor x, Context& context) const {
  ArenaScope scope(context.arena);
  const Tensor h = rms_norm(context, x, layer.mlp_norm, epsilon_);
  add_rms_norm(context, x, gated_mlp(context, h, layer.mlp), layer.after_mlp_norm, epsilon_);
}

}  // namespace

Result<std::unique_ptr<Model>> load_gemma2(WeightLoader& loader) {
  return load_as<Gemma2>(loader);
}

}  // namespace ondol
