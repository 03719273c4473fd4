// DeepSeek-V2, V3 and R1 (DeepSeek-AI, 2024): multi-head latent attention and a mixture of many small experts beside
// shared ones.
//
// The cache holds one latent vector for all heads, and a rotated part of the key that all heads share. Instead of
// making keys and values from the latent for every position, the two matrices that would do so are absorbed: queries
// are taken into the latent space before attention, results out of it afterwards (V2 paper, section 2.1.2).
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "models/batch.h"
#include "models/decoder_pass.h"
#include "models/latent_heads.h"
#include "models/registry.h"
#include "models/rope_metadata.h"
#include "nn/mlp.h"
#include "nn/moe.h"
#include "nn/norm.h"

namespace ondol {
namespace {

/// Elements of the parts of queries, keys and values.
struct Dims {
  int n_heads = 0;
  int q_rank = 0;   // of the low-rank queries; 0: queries are made directly
  int latent = 0;   // what keys and values of all heads are made from
  int plain = 0;    // of a head's query and key that is not rotated
  int rotated = 0;  // of a head's query, and of the key that heads share
  int value = 0;

  int key() const { return latent + rotated; }  // of one cached position
};

struct Layer {
  Tensor attention_norm;
  Weight q;  // from the residual stream, or from the low rank
  Weight q_down;
  Tensor q_norm;
  Weight latent;
  Weight shared_key;
  Tensor latent_norm;
  LatentHeads heads;
  Weight attention_output;
  Tensor mlp_norm;
  GatedMlp mlp;  // of a dense layer, or the shared experts
  MoeLayer moe;  // absent in dense layers
};

class Deepseek2 final : public Model {
 public:
  Result<void> load(WeightLoader& loader);
  Tensor forward(const Batch& batch, KvCache& cache, Context& context) const override;

 private:
  Result<void> load_dims(WeightLoader& loader);
  Result<void> load_rope(WeightLoader& loader);
  Result<Layer> load_layer(WeightLoader& loader, int i);
  Result<void> load_queries(WeightLoader& loader, const std::string& prefix, Layer& layer) const;
  Result<void> load_experts(WeightLoader& loader, const std::string& prefix, Layer& layer) const;
  Result<RouteParams> load_route(WeightLoader& loader, const std::string& prefix, int64_t n_experts) const;

  Tensor latent_queries(const Layer& layer, const Tensor& h, const Tensor& angles, Context& context) const;
  Tensor latent_keys(const Layer& layer, const Tensor& h, const Tensor& angles, Context& context) const;
  void add_attention(const Layer& layer, Tensor x, const BatchRows& rows, const Tensor& angles, const KvLayer& kv,
                     Context& context) const;
  void add_mlp(const Layer& layer, Tensor x, Context& context) const;

  Dims dims_;
  float scale_ = 1.0f;
  RopePairs pairs_ = RopePairs::kInterleaved;
  Rope rope_;
  float epsilon_ = 0.0f;
  int n_dense_layers_ = 0;
  Tensor token_embedding_;
  std::vector<Layer> layers_;
  Tensor output_norm_;
  Weight output_;
};

Result<void> Deepseek2::load(WeightLoader& loader) {
  config_ = ONDOL_TRY(loader.decoder_config());
  epsilon_ = ONDOL_TRY(loader.rms_epsilon());
  ONDOL_TRY(load_dims(loader));
  ONDOL_TRY(load_rope(loader));
  n_dense_layers_ = static_cast<int>(ONDOL_TRY(loader.integer_or("leading_dense_block_count", 0, 0, config_.n_layers)));
  output_ = ONDOL_TRY(loader.output(config_));
  token_embedding_ = ONDOL_TRY(loader.weight("token_embd", {config_.vocabulary_size, config_.width})).matrix;
  output_norm_ = ONDOL_TRY(loader.vector("output_norm.weight", config_.width));
  for (int i = 0; i < config_.n_layers; ++i) layers_.push_back(ONDOL_TRY(load_layer(loader, i)));
  return {};
}

/// Old files give the dimensions of a head as key_length and value_length; newer ones put those of the cache there and
/// the head's in keys that end in "_mla".
Result<void> Deepseek2::load_dims(WeightLoader& loader) {
  const bool split = loader.has_key("attention.key_length_mla");
  const char* key = split ? "attention.key_length_mla" : "attention.key_length";
  const char* value = split ? "attention.value_length_mla" : "attention.value_length";
  dims_.n_heads = static_cast<int>(ONDOL_TRY(loader.integer("attention.head_count", 1, kMaxHeads)));
  dims_.q_rank = static_cast<int>(ONDOL_TRY(loader.integer_or("attention.q_lora_rank", 0, 0, kMaxWidth)));
  dims_.latent = static_cast<int>(ONDOL_TRY(loader.integer("attention.kv_lora_rank", 1, kMaxLatent)));
  dims_.rotated = static_cast<int>(ONDOL_TRY(loader.integer("rope.dimension_count", 2, kMaxHeadDim)));
  dims_.plain = static_cast<int>(ONDOL_TRY(loader.integer(key, dims_.rotated + 1, kMaxHeadDim))) - dims_.rotated;
  dims_.value = static_cast<int>(ONDOL_TRY(loader.integer(value, 1, kMaxHeadDim)));
  config_.kv_layers.assign(static_cast<size_t>(config_.n_layers), {1, dims_.key(), dims_.latent, true});
  return {};
}

/// YaRN in DeepSeek's manner: the temperature goes into the scale of attention (V3's code calls it mscale_all_dim), and
/// cosines and sines keep only what "attn_factor" says beyond that. GGUF stores a tenth of mscale_all_dim.
Result<void> Deepseek2::load_rope(WeightLoader& loader) {
  RopeParams rope = ONDOL_TRY(rope_params(loader, config_, dims_.rotated));
  double temperature = 1.0;
  if (rope.scaling == RopeParams::Scaling::kYarn) {
    const double all_dims = 10.0 * ONDOL_TRY(loader.number_or("rope.scaling.yarn_log_multiplier", 0.0, 0.0, 1e3));
    rope.attention_factor = ONDOL_TRY(loader.number_or("rope.scaling.attn_factor", 1.0, 1e-6, 1e6));
    if (all_dims == 0.0) rope.attention_factor *= yarn_attention_factor(rope.factor);
    temperature = yarn_attention_factor(rope.factor, all_dims);
  }
  rope_ = Rope(rope);
  scale_ = static_cast<float>(temperature * temperature / std::sqrt(static_cast<double>(dims_.plain + dims_.rotated)));
  pairs_ = ONDOL_TRY(rope_pairs(loader, RopePairs::kInterleaved));
  return {};
}

Result<Layer> Deepseek2::load_layer(WeightLoader& loader, int i) {
  const std::string prefix = fmt::format("blk.{}.", i);
  const int64_t width = config_.width;
  Layer layer;
  layer.attention_norm = ONDOL_TRY(loader.vector(prefix + "attn_norm.weight", width));
  ONDOL_TRY(load_queries(loader, prefix, layer));
  const std::vector<Weight> parts =
      ONDOL_TRY(loader.fused(prefix + "attn_kv_a_mqa", std::array<int64_t, 2>{dims_.latent, dims_.rotated}, width));
  layer.latent = parts[0];
  layer.shared_key = parts[1];
  layer.latent_norm = ONDOL_TRY(loader.vector(prefix + "attn_kv_a_norm.weight", dims_.latent));
  layer.heads = ONDOL_TRY(load_latent_heads(loader, prefix, {dims_.n_heads, dims_.plain, dims_.value, dims_.latent}));
  layer.attention_output =
      ONDOL_TRY(loader.weight(prefix + "attn_output", {width, int64_t{dims_.n_heads} * dims_.value}));
  layer.mlp_norm = ONDOL_TRY(loader.vector(prefix + "ffn_norm.weight", width));
  if (i >= n_dense_layers_) {
    ONDOL_TRY(load_experts(loader, prefix, layer));
  } else {
    layer.mlp = ONDOL_TRY(loader.gated_mlp(prefix, ONDOL_TRY(loader.inner_width(i, config_.n_layers)), width));
  }
  return layer;
}

Result<void> Deepseek2::load_queries(WeightLoader& loader, const std::string& prefix, Layer& layer) const {
  const int64_t n_rows = int64_t{dims_.n_heads} * (dims_.plain + dims_.rotated);
  if (dims_.q_rank == 0) {
    layer.q = ONDOL_TRY(loader.weight(prefix + "attn_q", {n_rows, config_.width}));
    return {};
  }
  layer.q_down = ONDOL_TRY(loader.weight(prefix + "attn_q_a", {dims_.q_rank, config_.width}));
  layer.q_norm = ONDOL_TRY(loader.vector(prefix + "attn_q_a_norm.weight", dims_.q_rank));
  layer.q = ONDOL_TRY(loader.weight(prefix + "attn_q_b", {n_rows, dims_.q_rank}));
  return {};
}

Result<void> Deepseek2::load_experts(WeightLoader& loader, const std::string& prefix, Layer& layer) const {
  const int64_t width = config_.width;
  const int64_t n_experts = ONDOL_TRY(loader.integer("expert_count", 1, kMaxExperts));
  const int64_t inner = ONDOL_TRY(loader.integer("expert_feed_forward_length", 1, kMaxWidth));
  const int64_t n_shared = ONDOL_TRY(loader.integer_or("expert_shared_count", 0, 0, kMaxExperts));
  layer.moe.router = ONDOL_TRY(loader.weight(prefix + "ffn_gate_inp", {n_experts, width}));
  layer.moe.route = ONDOL_TRY(load_route(loader, prefix, n_experts));
  layer.moe.experts = ONDOL_TRY(loader.experts(prefix, n_experts, inner, width));
  if (n_shared == 0) return {};
  layer.mlp.gate = ONDOL_TRY(loader.weight(prefix + "ffn_gate_shexp", {n_shared * inner, width}));
  layer.mlp.up = ONDOL_TRY(loader.weight(prefix + "ffn_up_shexp", {n_shared * inner, width}));
  layer.mlp.down = ONDOL_TRY(loader.weight(prefix + "ffn_down_shexp", {width, n_shared * inner}));
  return {};
}

Result<RouteParams> Deepseek2::load_route(WeightLoader& loader, const std::string& prefix, int64_t n_experts) const {
  constexpr int64_t kSigmoid = 2;  // GGUF's number; 1 is softmax, and files of V2 may have 0
  RouteParams route;
  const bool sigmoid = ONDOL_TRY(loader.integer_or("expert_gating_func", 1, 0, 2)) == kSigmoid;
  route.score = sigmoid ? RouteParams::Score::kSigmoid : RouteParams::Score::kSoftmax;
  route.n_used = static_cast<int>(ONDOL_TRY(loader.integer("expert_used_count", 1, n_experts)));
  route.normalize = ONDOL_TRY(loader.flag_or("expert_weights_norm", false));
  const double scale = ONDOL_TRY(loader.number_or("expert_weights_scale", 1.0, 0.0, 1e6));
  route.scale = scale == 0.0 ? 1.0f : static_cast<float>(scale);
  const int64_t n_groups = ONDOL_TRY(loader.integer_or("expert_group_count", 1, 0, n_experts));
  if (n_groups > 1) {
    route.n_groups = static_cast<int>(n_groups);
    route.n_groups_used = static_cast<int>(ONDOL_TRY(loader.integer("expert_group_used_count", 1, n_groups)));
    route.group_score_top2 = sigmoid;
    const int64_t group = n_experts / n_groups;
    const bool fits = n_experts % n_groups == 0 && route.n_used <= group * route.n_groups_used;
    if (!fits || (sigmoid && group < 2)) {
      return Error(fmt::format("{}: {} of {} experts cannot be chosen from {} of {} groups", loader.file().path(),
                               route.n_used, n_experts, route.n_groups_used, n_groups));
    }
  }
  route.selection_bias = ONDOL_TRY(loader.optional_vector(prefix + "exp_probs_b.bias", n_experts));
  return route;
}

Tensor Deepseek2::forward(const Batch& batch, KvCache& cache, Context& context) const {
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

/// Copies columns [from, from + n) of each head of `in` to columns [to, to + n) of the same head of `out`.
void copy_columns(const Tensor& in, int from, Tensor& out, int to, int n_heads, int n) {
  const int64_t in_dim = in.columns() / n_heads;
  const int64_t out_dim = out.columns() / n_heads;
  for (int64_t row = 0; row < in.rows(); ++row) {
    for (int64_t h = 0; h < n_heads; ++h) {
      std::memcpy(out.f32(row) + h * out_dim + to, in.f32(row) + h * in_dim + from,
                  static_cast<size_t>(n) * sizeof(float));
    }
  }
}

/// [T, n_heads * key]: for each head, the query in latent space and its rotated part.
Tensor Deepseek2::latent_queries(const Layer& layer, const Tensor& h, const Tensor& angles, Context& context) const {
  const int64_t n_rows = h.rows();
  Tensor whole = context.arena.f32({n_rows, int64_t{dims_.n_heads} * dims_.key()});
  ArenaScope scope(context.arena);
  Tensor input = h;
  if (dims_.q_rank > 0) input = rms_norm(context, linear(context, h, layer.q_down), layer.q_norm, epsilon_);
  Tensor q = linear(context, input, layer.q);
  context.backend.rope(q, dims_.plain + dims_.rotated, dims_.plain, angles, pairs_);
  Tensor plain = context.arena.f32({n_rows, int64_t{dims_.n_heads} * dims_.plain});
  copy_columns(q, 0, plain, 0, dims_.n_heads, dims_.plain);
  Tensor latent = context.arena.f32({n_rows, int64_t{dims_.n_heads} * dims_.latent});
  context.backend.linear_heads(plain, layer.heads.to_latent, latent);
  copy_columns(latent, 0, whole, 0, dims_.n_heads, dims_.latent);
  copy_columns(q, dims_.plain, whole, dims_.latent, dims_.n_heads, dims_.rotated);
  return whole;
}

/// [T, key]: the latent that stands for the keys and values of all heads, and the rotated part of the keys.
Tensor Deepseek2::latent_keys(const Layer& layer, const Tensor& h, const Tensor& angles, Context& context) const {
  Tensor whole = context.arena.f32({h.rows(), dims_.key()});
  ArenaScope scope(context.arena);
  const auto [latent, shared] = linear_all(context, h, {&layer.latent, &layer.shared_key});
  context.backend.rope(shared, dims_.rotated, 0, angles, pairs_);
  copy_columns(rms_norm(context, latent, layer.latent_norm, epsilon_), 0, whole, 0, 1, dims_.latent);
  copy_columns(shared, 0, whole, dims_.latent, 1, dims_.rotated);
  return whole;
}

void Deepseek2::add_attention(const Layer& layer, Tensor x, const BatchRows& rows, const Tensor& angles,
                              const KvLayer& kv, Context& context) const {
  if (x.rows() == 0) return;
  ArenaScope scope(context.arena);
  const Tensor h = rms_norm(context, x, layer.attention_norm, epsilon_);
  const Tensor q = latent_queries(layer, h, angles, context);
  const Tensor k = latent_keys(layer, h, angles, context);
  AttentionParams params;
  params.n_heads = dims_.n_heads;
  params.n_kv_heads = 1;
  params.k_dim = dims_.key();
  params.v_dim = dims_.latent;
  params.scale = scale_;
  const Tensor mixed = attention(context, params, q, k, Tensor(), kv, rows.slices);
  Tensor values = context.arena.f32({x.rows(), int64_t{dims_.n_heads} * dims_.value});
  context.backend.linear_heads(mixed, layer.heads.from_latent, values);
  add_linear(context, values, layer.attention_output, x);
}

void Deepseek2::add_mlp(const Layer& layer, Tensor x, Context& context) const {
  ArenaScope scope(context.arena);
  const Tensor h = rms_norm(context, x, layer.mlp_norm, epsilon_);
  if (!layer.moe.experts.down.empty()) add_moe(context, h, layer.moe, x);
  if (!layer.mlp.down.matrix.empty()) add_gated_mlp(context, h, layer.mlp, x);
}

}  // namespace

Result<std::unique_ptr<Model>> load_deepseek2(WeightLoader& loader) {
  return load_as<Deepseek2>(loader);
}

}  // namespace ondol
