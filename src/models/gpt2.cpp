// GPT-2 (Radford et al., 2019): learned positions, layer norms with biases, fused projections, a plain MLP.
#include <algorithm>

#include <fmt/format.h>

#include "models/batch.h"
#include "models/decoder_pass.h"
#include "models/registry.h"
#include "nn/mlp.h"
#include "nn/norm.h"

namespace ondol {
namespace {

struct Layer {
  LayerNorm attention_norm;
  AttentionParams attention;
  QkvWeights qkv;
  Weight attention_output;
  LayerNorm mlp_norm;
  PlainMlp mlp;
};

class Gpt2 final : public Model {
 public:
  Result<void> load(WeightLoader& loader);
  Tensor forward(const Batch& batch, KvCache& cache, Context& context) const override;

 private:
  Result<LayerNorm> load_norm(WeightLoader& loader, const std::string& stem) const;
  Result<Layer> load_layer(WeightLoader& loader, int i, const AttentionParams& attention, Activation activation) const;
  Tensor embed_positions(const Batch& batch, Context& context) const;
  void add_attention(const Layer& layer, Tensor x, const BatchRows& rows, const KvLayer& kv, Context& context) const;
  void add_mlp(const Layer& layer, Tensor x, Context& context) const;

  Tensor token_embedding_;
  Tensor position_embedding_;
  std::vector<Layer> layers_;
  LayerNorm output_norm_;
  Weight output_;
  float epsilon_ = 0.0f;
};

/// GGUF has no key for it; the names are those of Hugging Face's "activation_function".
Result<Activation> activation_of(const WeightLoader& loader) {
  const std::string name = ONDOL_TRY(loader.text_or("activation", "gelu_new"));
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast") return Activation::kGeluTanh;
  if (name == "gelu") return Activation::kGelu;
  if (name == "quick_gelu") return Activation::kGeluQuick;
  if (name == "relu") return Activation::kRelu;
  if (name == "silu" || name == "swish") return Activation::kSilu;
  return Error(fmt::format("{}: key '{}.activation': expected gelu_new, gelu, quick_gelu, relu or silu, got '{}'",
                           loader.file().path(), loader.architecture(), name));
}

Result<void> Gpt2::load(WeightLoader& loader) {
  config_ = ONDOL_TRY(loader.decoder_config());
  config_.learned_positions = true;
  epsilon_ = static_cast<float>(ONDOL_TRY(loader.number("attention.layer_norm_epsilon", 0.0, 1.0)));
  const std::vector<AttentionParams> attention = ONDOL_TRY(loader.attention_layers(config_));
  const Activation activation = ONDOL_TRY(activation_of(loader));
  token_embedding_ = ONDOL_TRY(loader.weight("token_embd", {config_.vocabulary_size, config_.width})).matrix;
  position_embedding_ = ONDOL_TRY(loader.weight("position_embd", {config_.context_length, config_.width})).matrix;
  output_norm_ = ONDOL_TRY(load_norm(loader, "output_norm"));
  output_ = ONDOL_TRY(loader.output(config_));
  for (int i = 0; i < config_.n_layers; ++i) {
    layers_.push_back(ONDOL_TRY(load_layer(loader, i, attention[static_cast<size_t>(i)], activation)));
  }
  return {};
}

Result<LayerNorm> Gpt2::load_norm(WeightLoader& loader, const std::string& stem) const {
  LayerNorm norm;
  norm.weight = ONDOL_TRY(loader.vector(stem + ".weight", config_.width));
  norm.bias = ONDOL_TRY(loader.vector(stem + ".bias", config_.width));
  return norm;
}

Result<Layer> Gpt2::load_layer(WeightLoader& loader, int i, const AttentionParams& attention,
                               Activation activation) const {
  const std::string prefix = fmt::format("blk.{}.", i);
  const int64_t width = config_.width;
  const int64_t inner = ONDOL_TRY(loader.inner_width(i, config_.n_layers));
  Layer layer;
  layer.attention = attention;
  layer.attention_norm = ONDOL_TRY(load_norm(loader, prefix + "attn_norm"));
  layer.qkv = ONDOL_TRY(loader.qkv(prefix, attention, width));
  layer.attention_output =
      ONDOL_TRY(loader.weight(prefix + "attn_output", {width, int64_t{attention.n_heads} * attention.v_dim}));
  layer.mlp_norm = ONDOL_TRY(load_norm(loader, prefix + "ffn_norm"));
  layer.mlp.up = ONDOL_TRY(loader.weight(prefix + "ffn_up", {inner, width}));
  layer.mlp.down = ONDOL_TRY(loader.weight(prefix + "ffn_down", {width, inner}));
  layer.mlp.activation = activation;
  return layer;
}

Tensor Gpt2::forward(const Batch& batch, KvCache& cache, Context& context) const {
  const BatchRows rows(batch);
  const Tensor embedded = embed(context, token_embedding_, batch.tokens);
  context.backend.add(embedded, embed_positions(batch, context));
  DecoderParts parts;
  parts.mix = [&](int i, Tensor x) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    add_attention(layer, x, rows, cache.layer(i), context);
  };
  parts.transform = [&](int i, Tensor x) { add_mlp(layers_[static_cast<size_t>(i)], x, context); };
  parts.norm = [&](const Tensor& x) { return layer_norm(context, x, output_norm_, epsilon_); };
  parts.output = [&](const Tensor& hidden) { return linear(context, hidden, output_); };
  return run_decoder(context, batch, config_.n_layers, embedded, parts);
}

Tensor Gpt2::embed_positions(const Batch& batch, Context& context) const {
  std::vector<int32_t> positions;
  for (const BatchSlice& slice : batch.slices) {
    for (int i = 0; i < slice.n_rows; ++i) {
      // Callers keep within the context; beyond it, the last position is better than memory that is not ours.
      positions.push_back(static_cast<int32_t>(std::min<int64_t>(slice.position + i, config_.context_length - 1)));
    }
  }
  return embed(context, position_embedding_, positions);
}

void Gpt2::add_attention(const Layer& layer, Tensor x, const BatchRows& rows, const KvLayer& kv,
                         Context& context) const {
  ArenaScope scope(context.arena);
  const Tensor h = layer_norm(context, x, layer.attention_norm, epsilon_);
  const auto [q, k, v] = linear_all(context, h, {&layer.qkv.q, &layer.qkv.k, &layer.qkv.v});
  const Tensor mixed = attention(context, layer.attention, q, k, v, kv, rows.slices);
  add_linear(context, mixed, layer.attention_output, x);
}

void Gpt2::add_mlp(const Layer& layer, Tensor x, Context& context) const {
  ArenaScope scope(context.arena);
  const Tensor h = layer_norm(context, x, layer.mlp_norm, epsilon_);
  add_plain_mlp(context, h, layer.mlp, x);
}

}  // namespace

Result<std::unique_ptr<Model>> load_gpt2(WeightLoader& loader) {
  return load_as<Gpt2>(loader);
}

}  // namespace ondol
