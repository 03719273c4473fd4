// gpt-oss (OpenAI, 2025): a mixture of experts in every layer, a window on every second one, and a learned logit per
// head ("sink") that takes its share of the softmax and adds nothing.
//
// Experts have biases and a gated unit of their own (backend.h, GatedUnit); the router's softmax is over the chosen.
#include <fmt/format.h>

#include "models/batch.h"
#include "models/decoder_pass.h"
#include "models/registry.h"
#include "models/rope_metadata.h"
#include "nn/moe.h"
#include "nn/norm.h"

namespace ondol {
namespace {

struct Layer {
  Tensor attention_norm;
  AttentionParams attention;
  QkvWeights qkv;
  Weight attention_output;
  Tensor moe_norm;
  MoeLayer moe;
};

class GptOss final : public Model {
 public:
  Result<void> load(WeightLoader& loader);
  Tensor forward(const Batch& batch, KvCache& cache, Context& context) const override;

 private:
  Result<Layer> load_layer(WeightLoader& loader, int i, AttentionParams attention) const;
  Result<MoeLayer> load_moe(WeightLoader& loader, const std::string& prefix) const;
  void add_attention(const Layer& layer, Tensor x, const BatchRows& rows, const Tensor& angles, const KvLayer& kv,
                     Context& context) const;
  void add_experts(const Layer& layer, Tensor x, Context& context) const;

  Tensor token_embedding_;
  std::vector<Layer> layers_;
  Tensor output_norm_;
  Weight output_;
  Rope rope_;
  float epsilon_ = 0.0f;
};

Result<void> GptOss::load(WeightLoader& loader) {
  config_ = ONDOL_TRY(loader.decoder_config());
  epsilon_ = ONDOL_TRY(loader.rms_epsilon());
  std::vector<AttentionParams> attention = ONDOL_TRY(loader.attention_layers(config_));
  ONDOL_TRY(loader.set_windows(attention, 2));
  RopeParams rope = ONDOL_TRY(rope_params(loader, config_, attention[0].k_dim));
  // The ramp of YaRN ends between pairs. GGUF files do not say so, because there is no key for it.
  rope.truncate = ONDOL_TRY(loader.flag_or("rope.scaling.yarn_truncate", false));
  rope_ = Rope(rope);
  output_ = ONDOL_TRY(loader.output(config_));
  token_embedding_ = ONDOL_TRY(loader.weight("token_embd", {config_.vocabulary_size, config_.width})).matrix;
  output_norm_ = ONDOL_TRY(loader.vector("output_norm.weight", config_.width));
  for (int i = 0; i < config_.n_layers; ++i) {
    layers_.push_back(ONDOL_TRY(load_layer(loader, i, attention[static_cast<size_t>(i)])));
  }
  return {};
}

Result<Layer> GptOss::load_layer(WeightLoader& loader, int i, AttentionParams attention) const {
  const std::string prefix = fmt::format("blk.{}.", i);
  const int64_t width = config_.width;
  attention.sinks = ONDOL_TRY(loader.vector(prefix + "attn_sinks.weight", attention.n_heads));
  Layer layer;
  layer.attention = attention;
  layer.attention_norm = ONDOL_TRY(loader.vector(prefix + "attn_norm.weight", width));
  layer.qkv = ONDOL_TRY(loader.qkv(prefix, attention, width));
  layer.attention_output =
      ONDOL_TRY(loader.weight(prefix + "attn_output", {width, int64_t{attention.n_heads} * attention.v_dim}));
  layer.moe_norm = ONDOL_TRY(loader.vector(prefix + "post_attention_norm.weight", width));
  layer.moe = ONDOL_TRY(load_moe(loader, prefix));
  return layer;
}

Result<MoeLayer> GptOss::load_moe(WeightLoader& loader, const std::string& prefix) const {
  const int64_t n_experts = ONDOL_TRY(loader.integer("expert_count", 1, kMaxExperts));
  const int64_t inner = ONDOL_TRY(loader.integer("expert_feed_forward_length", 1, kMaxWidth));
  MoeLayer moe;
  moe.router = ONDOL_TRY(loader.weight(prefix + "ffn_gate_inp", {n_experts, config_.width}));
  moe.route.n_used = static_cast<int>(ONDOL_TRY(loader.integer("expert_used_count", 1, n_experts)));
  moe.route.score = RouteParams::Score::kSoftmaxOfChosen;
  moe.experts = ONDOL_TRY(loader.experts(prefix, n_experts, inner, config_.width));
  moe.unit.clamped_swiglu = true;
  moe.unit.alpha = static_cast<float>(ONDOL_TRY(loader.number_or("swiglu_alpha", 1.702, 0.0, 1e3)));
  moe.unit.limit = static_cast<float>(ONDOL_TRY(loader.number_or("swiglu_limit", 7.0, 0.0, 1e6)));
  return moe;
}

Tensor GptOss::forward(const Batch& batch, KvCache& cache, Context& context) const {
  const BatchRows rows(batch);
  const Tensor embedded = embed(context, token_embedding_, batch.tokens);
  const Tensor angles = rope_.angles(rows.positions, context.arena);
  DecoderParts parts;
  parts.mix = [&](int i, Tensor x) {
    const Layer& layer = layers_[static_cast<size_t>(i)];
    add_attention(layer, x, rows, angles, cache.layer(i), context);
  };
  parts.transform = [&](int i, Tensor x) { add_experts(layers_[static_cast<size_t>(i)], x, context); };
  parts.norm = [&](const Tensor& x) { return rms_norm(context, x, output_norm_, epsilon_); };
  parts.output = [&](const Tensor& hidden) { return linear(context, hidden, output_); };
  return run_decoder(context, batch, config_.n_layers, embedded, parts);
}

void GptOss::add_attention(const Layer& layer, Tensor x, const BatchRows& rows, const Tensor& angles, const KvLayer& kv,
                           Context& context) const {
  ArenaScope scope(context.arena);
  const Tensor h = rms_norm(context, x, layer.attention_norm, epsilon_);
  const auto [q, k, v] = linear_all(context, h, {&layer.qkv.q, &layer.qkv.k, &layer.qkv.v});
  context.backend.rope(q, layer.attention.k_dim, 0, angles, RopePairs::kHalves);
  context.backend.rope(k, layer.attention.k_dim, 0, angles, RopePairs::kHalves);
  const Tensor mixed = attention(context, layer.attention, q, k, v, kv, rows.slices);
  add_linear(context, mixed, layer.attention_output, x);
}

void GptOss::add_experts(const Layer& layer, Tensor x, Context& context) const {
  ArenaScope scope(context.arena);
  add_moe(context, rms_norm(context, x, layer.moe_norm, epsilon_), layer.moe, x);
}

}  // namespace

Result<std::unique_ptr<Model>> load_gpt_oss(WeightLoader& loader) {
  return load_as<GptOss>(loader);
}

}  // namespace ondol
