#include "models/hf_metadata.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "models/hf_rope.h"
#include "models/meta_builder.h"

namespace ondol {
namespace {

struct Heads {
  int64_t n_heads = 0;
  int64_t head_dim = 0;
};

Result<Heads> add_heads(const HfConfig& config, MetaBuilder& meta) {
  Heads heads;
  heads.n_heads = ONDOL_TRY(config.integer({"num_attention_heads"}));
  const int64_t width = ONDOL_TRY(config.integer({"hidden_size"}));
  if (heads.n_heads <= 0) return Error("\"num_attention_heads\" must be positive").in(config.path());
  heads.head_dim = ONDOL_TRY(config.integer_or({"head_dim"}, width / heads.n_heads));
  meta.u32("attention.head_count", heads.n_heads);
  meta.u32("attention.head_count_kv", ONDOL_TRY(config.integer_or({"num_key_value_heads"}, heads.n_heads)));
  meta.u32("attention.key_length", heads.head_dim);
  meta.u32("attention.value_length", heads.head_dim);
  return heads;
}

Result<void> expect_activation(const HfConfig& config, std::initializer_list<std::string_view> known) {
  const std::string name = ONDOL_TRY(config.text_or({"hidden_activation", "hidden_act"}, *known.begin()));
  for (const std::string_view candidate : known) {
    if (name == candidate) return {};
  }
  return Error(fmt::format("\"hidden_act\": expected {}, got {}", *known.begin(), name)).in(config.path());
}

/// What all decoders with RMS norm and rotary embedding share, the embedding itself excepted.
Result<Heads> add_decoder(const HfConfig& config, MetaBuilder& meta) {
  meta.u32("block_count", ONDOL_TRY(config.integer({"num_hidden_layers"})));
  meta.u32("context_length", ONDOL_TRY(config.integer_or({"max_position_embeddings", "max_sequence_length"}, 2048)));
  meta.u32("embedding_length", ONDOL_TRY(config.integer({"hidden_size"})));
  meta.u32("feed_forward_length", ONDOL_TRY(config.integer({"intermediate_size"})));
  const Heads heads = ONDOL_TRY(add_heads(config, meta));
  meta.f32("attention.layer_norm_rms_epsilon", ONDOL_TRY(config.number_or({"rms_norm_eps"}, 1e-6)));
  meta.u32("vocab_size", ONDOL_TRY(config.integer({"vocab_size"})));
  return heads;
}

/// The window, and which layers have it where that differs from "the n-th layer of every `period` attends to all".
Result<void> add_windows(const HfConfig& config, MetaBuilder& meta, int64_t window, int64_t period) {
  meta.u32("attention.sliding_window", window);
  const std::vector<std::string> types = ONDOL_TRY(config.texts({"layer_types"}));
  if (types.empty()) {
    const int64_t pattern = ONDOL_TRY(config.integer_or({"sliding_window_pattern", "_sliding_window_pattern"}, period));
    if (pattern != period) meta.u32("attention.sliding_window_pattern", pattern);
    return {};
  }
  bool regular = true;
  std::vector<bool> slides;
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i] != "sliding_attention" && types[i] != "full_attention") {
      return Error(fmt::format("\"layer_types\": layers of type \"{}\" are not supported", types[i])).in(config.path());
    }
    slides.push_back(types[i] == "sliding_attention");
    regular &= slides.back() == (period == 0 || (static_cast<int64_t>(i) + 1) % period != 0);
  }
  if (!regular) meta.put("attention.sliding_window_pattern", MetaValue::Array(std::move(slides)));
  return {};
}

Result<void> add_llama(const HfConfig& config, CanonicalParts& parts, MetaBuilder& meta) {
  ONDOL_TRY(expect_activation(config, {"silu", "swish"}));
  const Heads heads = ONDOL_TRY(add_decoder(config, meta));
  ONDOL_TRY(add_rope(config, meta, parts, {.head_dim = heads.head_dim, .default_theta = 10000.0}));
  const int64_t window = ONDOL_TRY(config.integer_or({"sliding_window"}, 0));
  if (window > 0) ONDOL_TRY(add_windows(config, meta, window, 0));
  const int64_t n_experts = ONDOL_TRY(config.integer_or({"num_local_experts", "num_experts"}, 0));
  if (n_experts > 0) {
    meta.u32("expert_count", n_experts);
    meta.u32("expert_used_count", ONDOL_TRY(config.integer_or({"num_experts_per_tok"}, 2)));
  }
  meta.put_plain("ondol.rope_pairs", std::string("halves"));
  return {};
}

/// Qwen's windows are off unless a switch says otherwise, and then start at some layer.
Result<void> add_qwen_windows(const HfConfig& config, MetaBuilder& meta) {
  const int64_t window = ONDOL_TRY(config.integer_or({"sliding_window"}, 0));
  if (!ONDOL_TRY(config.boolean_or({"use_sliding_window"}, false)) || window <= 0) return {};
  if (!ONDOL_TRY(config.texts({"layer_types"})).empty()) return add_windows(config, meta, window, 0);
  const int64_t n_layers = ONDOL_TRY(config.integer({"num_hidden_layers"}));
  const int64_t n_full = ONDOL_TRY(config.integer_or({"max_window_layers"}, 28));
  if (n_full >= n_layers) return {};
  std::vector<bool> slides;
  for (int64_t i = 0; i < std::min<int64_t>(n_layers, 1024); ++i) slides.push_back(i >= n_full);
  meta.u32("attention.sliding_window", window);
  meta.put("attention.sliding_window_pattern", MetaValue::Array(std::move(slides)));
  return {};
}

Result<void> add_qwen(const HfConfig& config, CanonicalParts& parts, MetaBuilder& meta) {
  ONDOL_TRY(expect_activation(config, {"silu", "swish"}));
  const Heads heads = ONDOL_TRY(add_decoder(config, meta));
  ONDOL_TRY(add_rope(config, meta, parts, {.head_dim = heads.head_dim, .default_theta = 10000.0}));
  ONDOL_TRY(add_qwen_windows(config, meta));
  if (!config.model_type().ends_with("_moe")) return {};
  meta.u32("expert_count", ONDOL_TRY(config.integer({"num_experts", "num_local_experts"})));
  meta.u32("expert_used_count", ONDOL_TRY(config.integer({"num_experts_per_tok"})));
  meta.u32("expert_feed_forward_length", ONDOL_TRY(config.integer({"moe_intermediate_size"})));
  meta.flag("expert_weights_norm", ONDOL_TRY(config.boolean_or({"norm_topk_prob"}, false)));
  const int64_t shared = ONDOL_TRY(config.integer_or({"shared_expert_intermediate_size"}, 0));
  if (shared > 0) meta.u32("expert_shared_feed_forward_length", shared);
  return {};
}

Result<void> add_gemma(const HfConfig& config, CanonicalParts& parts, MetaBuilder& meta) {
  ONDOL_TRY(expect_activation(config, {"gelu_pytorch_tanh", "gelu"}));
  const Heads heads = ONDOL_TRY(add_decoder(config, meta));
  return add_rope(config, meta, parts, {.head_dim = heads.head_dim, .default_theta = 10000.0});
}

Result<void> add_gemma2(const HfConfig& config, CanonicalParts& parts, MetaBuilder& meta) {
  ONDOL_TRY(add_gemma(config, parts, meta));
  meta.f32("attn_logit_softcapping", ONDOL_TRY(config.number_or({"attn_logit_softcapping"}, 0.0)));
  meta.f32("final_logit_softcapping", ONDOL_TRY(config.number_or({"final_logit_softcapping"}, 0.0)));
  meta.f32("attention.scale", 1.0 / std::sqrt(ONDOL_TRY(config.number_or({"query_pre_attn_scalar"}, 256.0))));
  return add_windows(config, meta, ONDOL_TRY(config.integer_or({"sliding_window"}, 4096)), 2);
}

/// config.json of the multimodal models names only what differs from the 4B model.
Result<void> add_gemma3(const HfConfig& config, CanonicalParts& parts, MetaBuilder& meta) {
  ONDOL_TRY(expect_activation(config, {"gelu_pytorch_tanh", "gelu"}));
  meta.u32("block_count", ONDOL_TRY(config.integer_or({"num_hidden_layers"}, 26)));
  meta.u32("context_length", ONDOL_TRY(config.integer_or({"max_position_embeddings"}, 131072)));
  meta.u32("embedding_length", ONDOL_TRY(config.integer_or({"hidden_size"}, 2304)));
  meta.u32("feed_forward_length", ONDOL_TRY(config.integer_or({"intermediate_size"}, 9216)));
  meta.u32("attention.head_count", ONDOL_TRY(config.integer_or({"num_attention_heads"}, 8)));
  meta.u32("attention.head_count_kv", ONDOL_TRY(config.integer_or({"num_key_value_heads"}, 4)));
  const int64_t head_dim = ONDOL_TRY(config.integer_or({"head_dim"}, 256));
  meta.u32("attention.key_length", head_dim);
  meta.u32("attention.value_length", head_dim);
  meta.f32("attention.layer_norm_rms_epsilon", ONDOL_TRY(config.number_or({"rms_norm_eps"}, 1e-6)));
  meta.u32("vocab_size", ONDOL_TRY(config.integer_or({"vocab_size"}, 262208)));
  meta.f32("attention.scale", 1.0 / std::sqrt(ONDOL_TRY(config.number_or({"query_pre_attn_scalar"}, 256.0))));
  const double softcap = ONDOL_TRY(config.number_or({"final_logit_softcapping"}, 0.0));
  if (softcap > 0.0) meta.f32("final_logit_softcapping", softcap);
  ONDOL_TRY(add_rope(config, meta, parts, {.head_dim = head_dim, .default_theta = 1000000.0}));
  double local = ONDOL_TRY(config.number_or({"rope_local_base_freq"}, 10000.0));
  if (config.has_rope_per_layer_type()) {
    const HfRope sliding = config.rope("sliding_attention");
    if (sliding.theta > 0.0) local = sliding.theta;
    if (sliding.type != "default") {
      return Error(fmt::format("layers with a window rotate by \"{}\", which is not supported", sliding.type))
          .in(config.path());
    }
  }
  meta.f32("rope.freq_base_swa", local);
  return add_windows(config, meta, ONDOL_TRY(config.integer_or({"sliding_window"}, 4096)), 6);
}

Result<void> add_phi3(const HfConfig& config, CanonicalParts& parts, MetaBuilder& meta) {
  ONDOL_TRY(expect_activation(config, {"silu", "swish"}));
  const Heads heads = ONDOL_TRY(add_decoder(config, meta));
  ONDOL_TRY(add_rope(config, meta, parts, {.head_dim = heads.head_dim, .default_theta = 10000.0}));
  const int64_t window = ONDOL_TRY(config.integer_or({"sliding_window"}, 0));
  if (window > 0) meta.u32("attention.sliding_window", window);
  if (window <= 0) meta.u32("attention.sliding_window", 0);  // llama.cpp wants the key
  return {};
}

Result<void> add_gpt2(const HfConfig& config, CanonicalParts&, MetaBuilder& meta) {
  const std::string activation = ONDOL_TRY(config.text_or({"activation_function"}, "gelu_new"));
  if (activation != "gelu_new" && activation != "gelu_pytorch_tanh") meta.text("activation", activation);
  const int64_t width = ONDOL_TRY(config.integer({"n_embd"}));
  meta.u32("block_count", ONDOL_TRY(config.integer({"n_layer"})));
  meta.u32("context_length", ONDOL_TRY(config.integer({"n_positions", "n_ctx"})));
  meta.u32("embedding_length", width);
  meta.u32("feed_forward_length", ONDOL_TRY(config.integer_or({"n_inner"}, 4 * width)));
  meta.u32("attention.head_count", ONDOL_TRY(config.integer({"n_head"})));
  meta.f32("attention.layer_norm_epsilon", ONDOL_TRY(config.number_or({"layer_norm_epsilon"}, 1e-5)));
  meta.u32("vocab_size", ONDOL_TRY(config.integer({"vocab_size"})));
  if (!ONDOL_TRY(config.boolean_or({"scale_attn_weights"}, true))) meta.f32("attention.scale", 1.0);
  if (ONDOL_TRY(config.boolean_or({"scale_attn_by_inverse_layer_idx"}, false))) {
    return Error("\"scale_attn_by_inverse_layer_idx\" is not supported").in(config.path());
  }
  return {};
}

Result<void> add_gpt_oss(const HfConfig& config, CanonicalParts& parts, MetaBuilder& meta) {
  const Heads heads = ONDOL_TRY(add_decoder(config, meta));
  ONDOL_TRY(add_rope(config, meta, parts, {.head_dim = heads.head_dim, .default_theta = 150000.0}));
  meta.u32("expert_count", ONDOL_TRY(config.integer({"num_local_experts", "num_experts"})));
  meta.u32("expert_used_count", ONDOL_TRY(config.integer({"num_experts_per_tok", "experts_per_token"})));
  meta.u32("expert_feed_forward_length", ONDOL_TRY(config.integer({"intermediate_size"})));
  const double alpha = ONDOL_TRY(config.number_or({"swiglu_alpha"}, 1.702));
  const double limit = ONDOL_TRY(config.number_or({"swiglu_limit"}, 7.0));
  if (alpha != 1.702) meta.f32("swiglu_alpha", alpha);
  if (limit != 7.0) meta.f32("swiglu_limit", limit);
  return add_windows(config, meta, ONDOL_TRY(config.integer_or({"sliding_window"}, 128)), 2);
}

/// Which experts a token goes to. Gating functions are GGUF's numbers: 1 softmax, 2 sigmoid.
Result<void> add_deepseek_routing(const HfConfig& config, MetaBuilder& meta) {
  const bool v3 = config.model_type() == "deepseek_v3";
  meta.u32("expert_count", ONDOL_TRY(config.integer({"n_routed_experts", "num_local_experts"})));
  meta.u32("expert_used_count", ONDOL_TRY(config.integer({"num_experts_per_tok"})));
  meta.u32("expert_shared_count", ONDOL_TRY(config.integer_or({"n_shared_experts"}, 0)));
  meta.u32("expert_feed_forward_length", ONDOL_TRY(config.integer({"moe_intermediate_size"})));
  meta.f32("expert_weights_scale", ONDOL_TRY(config.number_or({"routed_scaling_factor"}, 1.0)));
  // The reference implementation of V2 ignores "norm_topk_prob", as did its training.
  const bool normalised = v3 && ONDOL_TRY(config.boolean_or({"norm_topk_prob"}, true));
  meta.flag("expert_weights_norm", normalised);
  const std::string score = ONDOL_TRY(config.text_or({"scoring_func"}, v3 ? "sigmoid" : "softmax"));
  meta.u32("expert_gating_func", score == "sigmoid" ? 2 : 1);
  const std::string method = ONDOL_TRY(config.text_or({"topk_method"}, v3 ? "noaux_tc" : "greedy"));
  const int64_t n_groups = ONDOL_TRY(config.integer_or({"n_group"}, 1));
  if (method != "greedy" && n_groups > 1) {
    meta.u32("expert_group_count", n_groups);
    meta.u32("expert_group_used_count", ONDOL_TRY(config.integer_or({"topk_group"}, n_groups)));
  }
  return {};
}

Result<void> add_deepseek(const HfConfig& config, CanonicalParts& parts, MetaBuilder& meta) {
  ONDOL_TRY(expect_activation(config, {"silu", "swish"}));
  const int64_t n_layers = ONDOL_TRY(config.integer({"num_hidden_layers"}));
  const int64_t latent = ONDOL_TRY(config.integer_or({"kv_lora_rank"}, 512));
  const int64_t rotated = ONDOL_TRY(config.integer_or({"qk_rope_head_dim"}, 64));
  const int64_t plain = ONDOL_TRY(config.integer_or({"qk_nope_head_dim"}, 128));
  meta.u32("block_count", n_layers);
  meta.u32("context_length", ONDOL_TRY(config.integer_or({"max_position_embeddings"}, 2048)));
  meta.u32("embedding_length", ONDOL_TRY(config.integer({"hidden_size"})));
  meta.u32("feed_forward_length", ONDOL_TRY(config.integer({"intermediate_size"})));
  meta.u32("attention.head_count", ONDOL_TRY(config.integer({"num_attention_heads"})));
  meta.u32("attention.head_count_kv", 1);  // what the cache holds: one latent for all heads
  meta.f32("attention.layer_norm_rms_epsilon", ONDOL_TRY(config.number_or({"rms_norm_eps"}, 1e-6)));
  meta.u32("vocab_size", ONDOL_TRY(config.integer({"vocab_size"})));
  const int64_t q_rank = ONDOL_TRY(config.integer_or({"q_lora_rank"}, 0));
  if (q_rank > 0) meta.u32("attention.q_lora_rank", q_rank);
  meta.u32("attention.kv_lora_rank", latent);
  meta.u32("attention.key_length", latent + rotated);
  meta.u32("attention.value_length", latent);
  meta.u32("attention.key_length_mla", plain + rotated);
  meta.u32("attention.value_length_mla", ONDOL_TRY(config.integer_or({"v_head_dim"}, 128)));
  const bool has_experts = ONDOL_TRY(config.integer_or({"n_routed_experts", "num_local_experts"}, 0)) > 0;
  meta.u32("leading_dense_block_count",
           ONDOL_TRY(config.integer_or({"first_k_dense_replace"}, has_experts ? 0 : n_layers)));
  if (has_experts) ONDOL_TRY(add_deepseek_routing(config, meta));
  if (!ONDOL_TRY(config.boolean_or({"rope_interleave"}, true))) {
    meta.put_plain("ondol.rope_pairs", std::string("halves"));
  }
  return add_rope(config, meta, parts, {.head_dim = rotated, .default_theta = 10000.0, .deepseek = true});
}

Result<void> add_encoder(const HfConfig& config, MetaBuilder& meta) {
  meta.u32("block_count", ONDOL_TRY(config.integer({"num_hidden_layers", "n_layers", "n_layer"})));
  meta.u32("embedding_length", ONDOL_TRY(config.integer({"hidden_size", "dim", "n_embd"})));
  meta.u32("feed_forward_length", ONDOL_TRY(config.integer({"intermediate_size", "hidden_dim", "n_inner"})));
  meta.u32("attention.head_count", ONDOL_TRY(config.integer({"num_attention_heads", "n_heads", "n_head"})));
  meta.f32("attention.layer_norm_epsilon",
           ONDOL_TRY(config.number_or({"layer_norm_eps", "layer_norm_epsilon"}, 1e-12)));
  meta.flag("attention.causal", false);
  meta.u32("vocab_size", ONDOL_TRY(config.integer({"vocab_size"})));
  return {};
}

/// Classifiers of one label score; the number of labels is that of their names, two where nothing is said.
Result<bool> scores_pairs(const HfConfig& config) {
  if (!config.has_class_ending("ForSequenceClassification") || config.model_type() == "distilbert") return false;
  const json::value* names = config.find({"id2label"});
  if (names != nullptr && names->is_object()) return names->get_object().size() == 1;
  return ONDOL_TRY(config.integer_or({"num_labels", "_num_labels"}, 2)) == 1;
}

Result<void> add_bert(const HfConfig& config, CanonicalParts&, MetaBuilder& meta) {
  ONDOL_TRY(add_encoder(config, meta));
  const std::string positions = ONDOL_TRY(config.text_or({"position_embedding_type"}, "absolute"));
  if (positions != "absolute") {
    return Error(fmt::format("\"position_embedding_type\": {} is not supported", positions)).in(config.path());
  }
  const int64_t n_positions = ONDOL_TRY(config.integer_or({"max_position_embeddings"}, 512));
  meta.u32("context_length", n_positions - first_position_row(config));
  if (config.model_type() != "distilbert") {
    meta.put_plain("tokenizer.ggml.token_type_count",
                   static_cast<uint32_t>(ONDOL_TRY(config.integer_or({"type_vocab_size"}, 2))));
  }
  const std::string activation = ONDOL_TRY(config.text_or({"hidden_act", "activation"}, "gelu"));
  if (activation != "gelu") meta.text("activation", activation);
  if (ONDOL_TRY(scores_pairs(config))) meta.u32("pooling_type", 4);
  return {};
}

Result<void> add_nomic_bert(const HfConfig& config, CanonicalParts& parts, MetaBuilder& meta) {
  ONDOL_TRY(add_encoder(config, meta));
  meta.u32("context_length", ONDOL_TRY(config.integer_or({"max_position_embeddings", "n_positions"}, 2048)));
  meta.put_plain("tokenizer.ggml.token_type_count",
                 static_cast<uint32_t>(ONDOL_TRY(config.integer_or({"type_vocab_size"}, 2))));
  const int64_t width = ONDOL_TRY(config.integer({"hidden_size", "n_embd"}));
  const int64_t n_heads = ONDOL_TRY(config.integer({"num_attention_heads", "n_head"}));
  if (n_heads <= 0) return Error("\"num_attention_heads\" must be positive").in(config.path());
  return add_rope(config, meta, parts, {.head_dim = width / n_heads, .default_theta = 1000.0});
}

using Add = Result<void> (*)(const HfConfig&, CanonicalParts&, MetaBuilder&);
constexpr std::pair<std::string_view, Add> kAdders[] = {
    {"llama", add_llama},     {"qwen2", add_qwen},
    {"qwen2moe", add_qwen},   {"qwen3", add_qwen},
    {"qwen3moe", add_qwen},   {"gemma", add_gemma},
    {"gemma2", add_gemma2},   {"gemma3", add_gemma3},
    {"phi3", add_phi3},       {"gpt2", add_gpt2},
    {"gpt-oss", add_gpt_oss}, {"deepseek2", add_deepseek},
    {"bert", add_bert},       {"nomic-bert", add_nomic_bert},
};

}  // namespace

int64_t first_position_row(const HfConfig& config) {
  if (config.model_type() == "bert" || config.model_type() == "distilbert") return 0;
  const Result<int64_t> pad = config.integer_or({"pad_token_id"}, 1);
  return pad && *pad >= 0 && *pad < 1024 ? *pad + 1 : 0;
}

Result<CanonicalParts> canonical_parts(const HfConfig& config, const HfArchitecture& architecture) {
  CanonicalParts parts;
  MetaBuilder meta(architecture.architecture, parts.metadata);
  meta.put_plain("general.architecture", std::string(architecture.architecture));
  for (const auto& [name, add] : kAdders) {
    if (name == architecture.architecture) ONDOL_TRY(add(config, parts, meta));
  }
  return parts;
}

}  // namespace ondol
