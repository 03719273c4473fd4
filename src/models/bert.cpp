// Encoders of the BERT family: BERT, RoBERTa, XLM-R and DistilBERT (Devlin et al., 2019), whose positions are learned
// rows, and nomic-bert (Nussbaum et al., 2024), which rotates instead and has a gated inner layer.
//
// Attention goes both ways within a text and there is no cache; what comes out are hidden states, from which `pooling`
// says how to make one vector. A text longer than the learned positions takes the last of them for the rest; callers
// cut texts to context_length before that.
//
// A cross-encoder (Nogueira and Cho, 2019) reads a question and a text as one, and has a head that makes a score of the
// first row: "cls.output" over tanh("cls"), or one of the two alone, as files have it.
#include <fmt/format.h>

#include "models/batch.h"
#include "models/registry.h"
#include "models/rope_metadata.h"
#include "nn/mlp.h"
#include "nn/norm.h"

namespace ondol {
namespace {

struct Layer {
  AttentionParams attention;
  QkvWeights qkv;
  Weight attention_output;
  LayerNorm attention_norm;
  bool is_gated = false;
  PlainMlp mlp;
  GatedMlp gated_mlp;
  LayerNorm output_norm;
};

class Bert final : public Model {
 public:
  Result<void> load(WeightLoader& loader);
  Tensor forward(const Batch& batch, KvCache& cache, Context& context) const override;

 private:
  Result<void> load_embeddings(WeightLoader& loader);
  Result<void> load_head(WeightLoader& loader);
  Result<LayerNorm> load_norm(WeightLoader& loader, const std::string& stem) const;
  Result<Layer> load_layer(WeightLoader& loader, int i, const AttentionParams& attention) const;
  Tensor embed_rows(const Batch& batch, Context& context) const;
  Tensor scores(Tensor x, Context& context) const;
  void add_attention(const Layer& layer, Tensor x, const BatchRows& rows, const Tensor& angles, Context& context) const;
  void add_mlp(const Layer& layer, Tensor x, Context& context) const;
  void norm(const LayerNorm& norm, const Tensor& x, Tensor out, Context& context) const;

  Tensor token_embedding_;
  Tensor token_types_;    // [types, D]; empty in models without
  Tensor position_rows_;  // empty in models that rotate
  LayerNorm embedding_norm_;
  std::vector<Layer> layers_;
  std::optional<Weight> head_dense_;  // [D, D]; before tanh
  std::optional<Weight> head_score_;  // [1, D]
  Rope rope_;
  bool rotates_ = false;
  Activation activation_ = Activation::kGelu;
  float epsilon_ = 0.0f;
};

Result<Activation> activation_of(const WeightLoader& loader, std::string_view usual) {
  const std::string name = ONDOL_TRY(loader.text_or("activation", usual));
  if (name == "gelu") return Activation::kGelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast") return Activation::kGeluTanh;
  if (name == "quick_gelu") return Activation::kGeluQuick;
  if (name == "relu") return Activation::kRelu;
  if (name == "silu" || name == "swish") return Activation::kSilu;
  return Error(
      fmt::format("{}: key '{}.activation': '{}' is not known", loader.file().path(), loader.architecture(), name));
}

/// GGUF's numbers. Files that do not say are pooled by the mean, as sentence-transformers does.
Result<Pooling> pooling_of(const WeightLoader& loader) {
  constexpr Pooling kPooling[] = {Pooling::kNone, Pooling::kMean, Pooling::kCls, Pooling::kLast, Pooling::kRank};
  return kPooling[ONDOL_TRY(loader.integer_or("pooling_type", 1, 0, 4))];
}

Result<void> Bert::load(WeightLoader& loader) {
  config_ = ONDOL_TRY(loader.decoder_config());
  config_.causal = false;
  config_.pooling = ONDOL_TRY(pooling_of(loader));
  epsilon_ = static_cast<float>(ONDOL_TRY(loader.number_or("attention.layer_norm_epsilon", 1e-12, 0.0, 1.0)));
  rotates_ = config_.architecture == "nomic-bert";
  activation_ = ONDOL_TRY(activation_of(loader, rotates_ ? "silu" : "gelu"));
  const std::vector<AttentionParams> attention = ONDOL_TRY(loader.attention_layers(config_));
  config_.kv_layers.clear();
  for (const AttentionParams& params : attention) {
    if (params.n_kv_heads == params.n_heads) continue;
    return Error(fmt::format("{}: key '{}.attention.head_count_kv': encoders need as many as heads",
                             loader.file().path(), loader.architecture()));
  }
  if (rotates_) rope_ = Rope(ONDOL_TRY(rope_params(loader, config_, attention[0].k_dim)));
  ONDOL_TRY(load_embeddings(loader));
  for (int i = 0; i < config_.n_layers; ++i) {
    layers_.push_back(ONDOL_TRY(load_layer(loader, i, attention[static_cast<size_t>(i)])));
  }
  return config_.pooling == Pooling::kRank ? load_head(loader) : Result<void>();
}

/// Where "cls" alone is there, it makes the score.
Result<void> Bert::load_head(WeightLoader& loader) {
  const int64_t width = config_.width;
  const bool has_output = loader.has_tensor("cls.output.weight");
  if (has_output) head_score_ = ONDOL_TRY(loader.weight("cls.output", {1, width}));
  if (!has_output || loader.has_tensor("cls.weight")) {
    head_dense_ = ONDOL_TRY(loader.weight("cls", {has_output ? width : 1, width}));
  }
  return {};
}

Result<void> Bert::load_embeddings(WeightLoader& loader) {
  const int64_t width = config_.width;
  token_embedding_ = ONDOL_TRY(loader.weight("token_embd", {config_.vocabulary_size, width})).matrix;
  embedding_norm_ = ONDOL_TRY(load_norm(loader, "token_embd_norm"));
  if (const Tensor* types = loader.file().find_tensor("token_types.weight")) {
    token_types_ = ONDOL_TRY(loader.weight("token_types", {types->rows(), width})).matrix;
  }
  if (rotates_) return {};
  const Tensor* positions = loader.file().find_tensor("position_embd.weight");
  const int64_t n_positions = positions == nullptr ? config_.context_length : positions->rows();
  position_rows_ = ONDOL_TRY(loader.weight("position_embd", {n_positions, width})).matrix;
  config_.context_length = std::min(config_.context_length, n_positions);
  return {};
}

Result<LayerNorm> Bert::load_norm(WeightLoader& loader, const std::string& stem) const {
  LayerNorm norm;
  norm.weight = ONDOL_TRY(loader.vector(stem + ".weight", config_.width));
  norm.bias = ONDOL_TRY(loader.vector(stem + ".bias", config_.width));
  return norm;
}

Result<Layer> Bert::load_layer(WeightLoader& loader, int i, const AttentionParams& attention) const {
  const std::string prefix = fmt::format("blk.{}.", i);
  const int64_t width = config_.width;
  const int64_t inner = ONDOL_TRY(loader.inner_width(i, config_.n_layers));
  Layer layer;
  layer.attention = attention;
  layer.qkv = ONDOL_TRY(loader.qkv(prefix, attention, width));
  layer.attention_output =
      ONDOL_TRY(loader.weight(prefix + "attn_output", {width, int64_t{attention.n_heads} * attention.v_dim}));
  layer.attention_norm = ONDOL_TRY(load_norm(loader, prefix + "attn_output_norm"));
  layer.output_norm = ONDOL_TRY(load_norm(loader, prefix + "layer_output_norm"));
  layer.is_gated = loader.has_tensor(prefix + "ffn_gate.weight");
  if (layer.is_gated) {
    layer.gated_mlp = ONDOL_TRY(loader.gated_mlp(prefix, inner, width));
    layer.gated_mlp.unit.activation = activation_;
    return layer;
  }
  layer.mlp.up = ONDOL_TRY(loader.weight(prefix + "ffn_up", {inner, width}));
  layer.mlp.down = ONDOL_TRY(loader.weight(prefix + "ffn_down", {width, inner}));
  layer.mlp.activation = activation_;
  return layer;
}

Tensor Bert::embed_rows(const Batch& batch, Context& context) const {
  Tensor x = embed(context, token_embedding_, batch.tokens);
  if (!token_types_.empty()) {
    const auto last = static_cast<int32_t>(token_types_.rows() - 1);
    std::vector<int32_t> types = batch.token_types;
    for (int32_t& type : types) type = std::min(type, last);
    if (types.empty()) types = {0};
    context.backend.add(x, embed(context, token_types_, types));
  }
  if (!position_rows_.empty()) {
    std::vector<int32_t> positions(batch.tokens.size());
    const auto last = static_cast<int32_t>(position_rows_.rows() - 1);
    for (const BatchSlice& slice : batch.slices) {
      for (int i = 0; i < slice.n_rows; ++i) {
        positions[static_cast<size_t>(slice.first_row + i)] = std::min(slice.position + i, last);
      }
    }
    context.backend.add(x, embed(context, position_rows_, positions));
  }
  return layer_norm(context, x, embedding_norm_, epsilon_);
}

Tensor Bert::forward(const Batch& batch, KvCache&, Context& context) const {
  const BatchRows rows(batch);
  Tensor x = embed_rows(batch, context);
  Tensor y = context.arena.f32(x.shape());
  const Tensor angles = rotates_ ? rope_.angles(rows.positions, context.arena) : Tensor();
  for (const Layer& layer : layers_) {
    add_attention(layer, x, rows, angles, context);
    norm(layer.attention_norm, x, y, context);
    add_mlp(layer, y, context);
    norm(layer.output_norm, y, x, context);
  }
  const Tensor wanted = select_rows(context, x, batch.output_rows);
  return batch.output == Batch::Output::kScores ? scores(wanted, context) : wanted;
}

Tensor Bert::scores(Tensor x, Context& context) const {
  if (head_dense_) x = capped_linear(context, x, *head_dense_, 1.0f);
  if (head_score_) x = linear(context, x, *head_score_);
  return x;
}

void Bert::norm(const LayerNorm& norm, const Tensor& x, Tensor out, Context& context) const {
  if (x.rows() > 0) context.backend.layer_norm(x, norm.weight, norm.bias, epsilon_, out);
}

void Bert::add_attention(const Layer& layer, Tensor x, const BatchRows& rows, const Tensor& angles,
                         Context& context) const {
  if (x.rows() == 0) return;
  ArenaScope scope(context.arena);
  const auto [q, k, v] = linear_all(context, x, {&layer.qkv.q, &layer.qkv.k, &layer.qkv.v});
  if (rotates_) {
    context.backend.rope(q, layer.attention.k_dim, 0, angles, RopePairs::kHalves);
    context.backend.rope(k, layer.attention.k_dim, 0, angles, RopePairs::kHalves);
  }
  AttentionArgs args;
  args.q = q;
  args.out = context.arena.f32({x.rows(), int64_t{layer.attention.n_heads} * layer.attention.v_dim});
  args.n_heads = layer.attention.n_heads;
  args.scale = layer.attention.scale;
  context.backend.attention_both_ways(args, k, v, rows.slices);
  add_linear(context, args.out, layer.attention_output, x);
}

void Bert::add_mlp(const Layer& layer, Tensor x, Context& context) const {
  if (x.rows() == 0) return;
  if (!layer.is_gated) return add_plain_mlp(context, x, layer.mlp, x);
  ArenaScope scope(context.arena);
  context.backend.add(x, gated_mlp(context, x, layer.gated_mlp));
}

}  // namespace

Result<std::unique_ptr<Model>> load_bert(WeightLoader& loader) {
  return load_as<Bert>(loader);
}

}  // namespace ondol
