#include "models/hf_config_writer.h"

#include <cmath>

#include <fmt/format.h>

#include "models/hf_rope.h"
#include "models/llama3_rope.h"
#include "nn/rope.h"

namespace ondol {
namespace {

/// Reads keys of one architecture and puts them under Hugging Face's names.
class Copier {
 public:
  Copier(const ModelFile& file, std::string_view architecture, json::object& config)
      : file_(file), prefix_(std::string(architecture) + "."), config_(config) {}

  const ModelFile& file() const { return file_; }
  json::object& config() { return config_; }

  bool has(std::string_view key) const { return file_.find_meta(prefix_ + std::string(key)) != nullptr; }
  Result<int64_t> integer(std::string_view key) const { return file_.meta_int(prefix_ + std::string(key)); }
  Result<int64_t> integer_or(std::string_view key, int64_t fallback) const {
    return file_.meta_int_or(prefix_ + std::string(key), fallback);
  }
  /// The shortest decimal that is the same float, so that 1e-06 does not become 9.99999997e-07.
  Result<double> number_or(std::string_view key, double fallback) const {
    const double value = ONDOL_TRY(file_.meta_double_or(prefix_ + std::string(key), fallback));
    return std::stod(fmt::format("{}", static_cast<float>(value)));
  }
  Result<bool> flag_or(std::string_view key, bool fallback) const {
    return file_.meta_bool_or(prefix_ + std::string(key), fallback);
  }
  Result<std::string> text_or(std::string_view key, std::string_view fallback) const {
    return file_.meta_string_or(prefix_ + std::string(key), fallback);
  }

  Result<void> copy_integer(std::string_view key, const char* name) {
    config_[name] = ONDOL_TRY(integer(key));
    return {};
  }

 private:
  const ModelFile& file_;
  std::string prefix_;
  json::object& config_;
};

std::vector<double> values_of(const ModelFile& file, std::string_view tensor_name) {
  const Tensor* tensor = file.find_tensor(tensor_name);
  if (tensor == nullptr || tensor->type() != DType::F32) return {};
  const float* values = tensor->f32();
  std::vector<double> rounded;
  for (int64_t i = 0; i < tensor->columns(); ++i) rounded.push_back(std::stod(fmt::format("{}", values[i])));
  return rounded;
}

json::array json_list(const std::vector<double>& values) {
  return json::array(values.begin(), values.end());
}

Result<void> write_longrope(Copier& from, json::object& scaling) {
  scaling["type"] = "longrope";
  scaling["long_factor"] = json_list(values_of(from.file(), "rope_factors_long.weight"));
  scaling["short_factor"] = json_list(values_of(from.file(), "rope_factors_short.weight"));
  scaling["attention_factor"] = ONDOL_TRY(from.number_or("rope.scaling.attn_factor", 1.0));
  const int64_t original = ONDOL_TRY(from.integer("rope.scaling.original_context_length"));
  scaling["original_max_position_embeddings"] = original;
  from.config()["original_max_position_embeddings"] = original;
  return {};
}

Result<void> write_yarn(Copier& from, json::object& scaling, bool deepseek) {
  const double factor = ONDOL_TRY(from.number_or("rope.scaling.factor", 1.0));
  scaling["rope_type"] = "yarn";
  scaling["factor"] = factor;
  scaling["original_max_position_embeddings"] =
      ONDOL_TRY(from.integer_or("rope.scaling.original_context_length", ONDOL_TRY(from.integer("context_length"))));
  scaling["beta_fast"] = ONDOL_TRY(from.number_or("rope.scaling.yarn_beta_fast", 32.0));
  scaling["beta_slow"] = ONDOL_TRY(from.number_or("rope.scaling.yarn_beta_slow", 1.0));
  const bool gpt_oss = from.file().meta_string_or("general.architecture", "").value() == "gpt-oss";
  if (!ONDOL_TRY(from.flag_or("rope.scaling.yarn_truncate", !gpt_oss))) scaling["truncate"] = false;
  const double beyond = ONDOL_TRY(from.number_or("rope.scaling.attn_factor", 1.0));
  const double all_dims = 10.0 * ONDOL_TRY(from.number_or("rope.scaling.yarn_log_multiplier", 0.0));
  double temperature = beyond * yarn_attention_factor(factor);
  if (all_dims != 0.0) {
    temperature = deepseek ? beyond : temperature / yarn_attention_factor(factor, all_dims);
    scaling["mscale_all_dim"] = std::stod(fmt::format("{:.6g}", all_dims));
    scaling["mscale"] = scaling["mscale_all_dim"];
  }
  if (all_dims == 0.0 ? beyond != 1.0 : temperature != 1.0) scaling["attention_factor"] = temperature;
  return {};
}

Result<void> write_rope(Copier& from, double default_base, bool deepseek = false) {
  json::object& config = from.config();
  config["rope_theta"] = ONDOL_TRY(from.number_or("rope.freq_base", default_base));
  const std::string type = ONDOL_TRY(from.text_or("rope.scaling.type", "none"));
  json::object scaling;
  if (type == "yarn") {
    ONDOL_TRY(write_yarn(from, scaling, deepseek));
  } else if (from.file().find_tensor("rope_factors_long.weight") != nullptr) {
    ONDOL_TRY(write_longrope(from, scaling));
  } else if (from.file().find_tensor("rope_freqs.weight") != nullptr) {
    const std::vector<double> divisors = values_of(from.file(), "rope_freqs.weight");
    const auto rope = guess_llama3_rope(divisors, config["rope_theta"].as_double());
    if (!rope) return Error("tensor 'rope_freqs.weight': no settings of Llama 3 give these divisors");
    scaling = {{"rope_type", "llama3"},
               {"factor", rope->factor},
               {"low_freq_factor", rope->low_freq_factor},
               {"high_freq_factor", rope->high_freq_factor},
               {"original_max_position_embeddings", rope->original_context}};
  } else if (type == "linear" || type == "dynamic") {
    const double factor = ONDOL_TRY(from.number_or("rope.scaling.factor", 1.0));
    if (factor != 1.0 && factor != 0.0) scaling = {{"rope_type", type}, {"factor", factor}};
  }
  if (scaling.empty()) {
    config["rope_scaling"] = nullptr;
  } else {
    config["rope_scaling"] = std::move(scaling);
  }
  return {};
}

Result<void> write_sizes(Copier& from) {
  ONDOL_TRY(from.copy_integer("embedding_length", "hidden_size"));
  ONDOL_TRY(from.copy_integer("block_count", "num_hidden_layers"));
  ONDOL_TRY(from.copy_integer("attention.head_count", "num_attention_heads"));
  ONDOL_TRY(from.copy_integer("context_length", "max_position_embeddings"));
  return from.copy_integer("feed_forward_length", "intermediate_size");
}

Result<void> write_decoder(Copier& from) {
  json::object& config = from.config();
  ONDOL_TRY(write_sizes(from));
  const int64_t n_heads = config["num_attention_heads"].as_int64();
  if (n_heads <= 0) return Error("key 'attention.head_count': expected a positive number");
  config["num_key_value_heads"] = ONDOL_TRY(from.integer_or("attention.head_count_kv", n_heads));
  config["head_dim"] = ONDOL_TRY(from.integer_or("attention.key_length", config["hidden_size"].as_int64() / n_heads));
  config["rms_norm_eps"] = ONDOL_TRY(from.number_or("attention.layer_norm_rms_epsilon", 1e-6));
  config["hidden_act"] = "silu";
  return {};
}

/// Which layers have a window, where the file lists them.
Result<void> write_layer_types(Copier& from, int64_t period) {
  const int64_t n_layers = ONDOL_TRY(from.integer("block_count"));
  const std::string key = from.file().meta_string("general.architecture").value() + ".attention.sliding_window_pattern";
  const MetaValue* value = from.file().find_meta(key);
  const auto* array = value == nullptr ? nullptr : std::get_if<MetaValue::Array>(&value->value);
  const auto* flags = array == nullptr ? nullptr : std::get_if<std::vector<bool>>(array);
  if (flags == nullptr && value != nullptr) period = ONDOL_TRY(from.file().meta_int(key));
  json::array types;
  for (int64_t i = 0; i < std::min<int64_t>(n_layers, 1024); ++i) {
    const auto index = static_cast<size_t>(i);
    const bool slides =
        flags != nullptr && index < flags->size() ? (*flags)[index] : period == 0 || (i + 1) % period != 0;
    types.emplace_back(slides ? "sliding_attention" : "full_attention");
  }
  from.config()["layer_types"] = std::move(types);
  return {};
}

/// The inverse square of the scale of attention.
Result<double> query_scalar(Copier& from) {
  const double head_dim = from.config()["head_dim"].to_number<double>();
  const double scale = ONDOL_TRY(from.number_or("attention.scale", 1.0 / std::sqrt(head_dim)));
  const double scalar = 1.0 / (scale * scale);
  return std::abs(scalar - std::round(scalar)) < 1e-3 ? std::round(scalar) : scalar;
}

/// An integer where it is one: transformers checks the type.
json::value whole_if_possible(double value) {
  if (value == std::round(value)) return static_cast<int64_t>(value);
  return value;
}

Result<void> write_llama(Copier& from) {
  json::object& config = from.config();
  ONDOL_TRY(write_decoder(from));
  ONDOL_TRY(write_rope(from, 10000.0));
  config["attention_bias"] = from.file().find_tensor("blk.0.attn_q.bias") != nullptr;
  config["mlp_bias"] = from.file().find_tensor("blk.0.ffn_gate.bias") != nullptr;
  const int64_t window = ONDOL_TRY(from.integer_or("attention.sliding_window", 0));
  config["sliding_window"] = window > 0 ? json::value(window) : json::value(nullptr);
  if (config["model_type"] == "mixtral") {
    ONDOL_TRY(from.copy_integer("expert_count", "num_local_experts"));
    ONDOL_TRY(from.copy_integer("expert_used_count", "num_experts_per_tok"));
  }
  return {};
}

Result<void> write_qwen(Copier& from) {
  json::object& config = from.config();
  ONDOL_TRY(write_decoder(from));
  ONDOL_TRY(write_rope(from, 10000.0));
  config["attention_bias"] = from.file().find_tensor("blk.0.attn_q.bias") != nullptr;
  const int64_t window = ONDOL_TRY(from.integer_or("attention.sliding_window", 0));
  config["use_sliding_window"] = window > 0;
  if (window > 0) {
    config["sliding_window"] = window;
    ONDOL_TRY(write_layer_types(from, 0));
  }
  if (!from.has("expert_count")) return {};
  ONDOL_TRY(from.copy_integer("expert_count", "num_experts"));
  ONDOL_TRY(from.copy_integer("expert_used_count", "num_experts_per_tok"));
  ONDOL_TRY(from.copy_integer("expert_feed_forward_length", "moe_intermediate_size"));
  const bool is_qwen2 = config["model_type"] == "qwen2_moe";
  config["norm_topk_prob"] = ONDOL_TRY(from.flag_or("expert_weights_norm", !is_qwen2));
  if (is_qwen2) ONDOL_TRY(from.copy_integer("expert_shared_feed_forward_length", "shared_expert_intermediate_size"));
  json::array dense;
  for (int64_t i = 0; i < std::min<int64_t>(ONDOL_TRY(from.integer("block_count")), 1024); ++i) {
    if (from.file().find_tensor(fmt::format("blk.{}.ffn_gate_inp.weight", i)) == nullptr) dense.emplace_back(i);
  }
  config["mlp_only_layers"] = std::move(dense);
  config["decoder_sparse_step"] = 1;
  return {};
}

Result<void> write_gemma(Copier& from) {
  json::object& config = from.config();
  ONDOL_TRY(write_decoder(from));
  config["hidden_act"] = "gelu_pytorch_tanh";
  config["hidden_activation"] = "gelu_pytorch_tanh";
  const std::string type(config["model_type"].as_string());
  ONDOL_TRY(write_rope(from, type == "gemma3_text" ? 1e6 : 1e4));
  if (type == "gemma") return {};
  config["query_pre_attn_scalar"] = whole_if_possible(ONDOL_TRY(query_scalar(from)));
  config["sliding_window"] = ONDOL_TRY(from.integer_or("attention.sliding_window", 4096));
  const double softcap = ONDOL_TRY(from.number_or("final_logit_softcapping", 0.0));
  config["final_logit_softcapping"] = softcap > 0.0 ? json::value(softcap) : json::value(nullptr);
  if (type == "gemma2") {
    config["attn_logit_softcapping"] = ONDOL_TRY(from.number_or("attn_logit_softcapping", 50.0));
    return write_layer_types(from, 2);
  }
  config["rope_local_base_freq"] = ONDOL_TRY(from.number_or("rope.freq_base_swa", 10000.0));
  return write_layer_types(from, 6);
}

Result<void> write_phi3(Copier& from) {
  json::object& config = from.config();
  ONDOL_TRY(write_decoder(from));
  ONDOL_TRY(write_rope(from, 10000.0));
  const int64_t head_dim = config["head_dim"].as_int64();
  const int64_t rotated = ONDOL_TRY(from.integer_or("rope.dimension_count", head_dim));
  config["partial_rotary_factor"] = static_cast<double>(rotated) / static_cast<double>(head_dim);
  config.erase("head_dim");  // the family computes it from the width
  const int64_t window = ONDOL_TRY(from.integer_or("attention.sliding_window", 0));
  config["sliding_window"] = window > 0 ? json::value(window) : json::value(nullptr);
  if (!config.contains("original_max_position_embeddings")) {
    config["original_max_position_embeddings"] = config["max_position_embeddings"];
  }
  return {};
}

Result<void> write_gpt2(Copier& from) {
  json::object& config = from.config();
  ONDOL_TRY(from.copy_integer("embedding_length", "n_embd"));
  ONDOL_TRY(from.copy_integer("block_count", "n_layer"));
  ONDOL_TRY(from.copy_integer("attention.head_count", "n_head"));
  ONDOL_TRY(from.copy_integer("context_length", "n_positions"));
  ONDOL_TRY(from.copy_integer("feed_forward_length", "n_inner"));
  config["layer_norm_epsilon"] = ONDOL_TRY(from.number_or("attention.layer_norm_epsilon", 1e-5));
  config["activation_function"] = ONDOL_TRY(from.text_or("activation", "gelu_new"));
  return {};
}

Result<void> write_gpt_oss(Copier& from) {
  json::object& config = from.config();
  ONDOL_TRY(write_decoder(from));
  ONDOL_TRY(write_rope(from, 150000.0));
  ONDOL_TRY(from.copy_integer("expert_feed_forward_length", "intermediate_size"));
  ONDOL_TRY(from.copy_integer("expert_count", "num_local_experts"));
  ONDOL_TRY(from.copy_integer("expert_used_count", "num_experts_per_tok"));
  ONDOL_TRY(from.copy_integer("attention.sliding_window", "sliding_window"));
  config["swiglu_alpha"] = ONDOL_TRY(from.number_or("swiglu_alpha", 1.702));
  config["swiglu_limit"] = ONDOL_TRY(from.number_or("swiglu_limit", 7.0));
  config["attention_bias"] = true;
  return write_layer_types(from, 2);
}

Result<void> write_deepseek_experts(Copier& from) {
  json::object& config = from.config();
  const bool v3 = config["model_type"] == "deepseek_v3";
  ONDOL_TRY(from.copy_integer("expert_count", "n_routed_experts"));
  ONDOL_TRY(from.copy_integer("expert_used_count", "num_experts_per_tok"));
  ONDOL_TRY(from.copy_integer("expert_feed_forward_length", "moe_intermediate_size"));
  config["n_shared_experts"] = ONDOL_TRY(from.integer_or("expert_shared_count", 0));
  config["routed_scaling_factor"] = ONDOL_TRY(from.number_or("expert_weights_scale", 1.0));
  config["norm_topk_prob"] = ONDOL_TRY(from.flag_or("expert_weights_norm", false));
  config["scoring_func"] = v3 ? "sigmoid" : "softmax";
  const int64_t n_groups = ONDOL_TRY(from.integer_or("expert_group_count", 1));
  config["n_group"] = n_groups;
  config["topk_group"] = ONDOL_TRY(from.integer_or("expert_group_used_count", n_groups));
  config["topk_method"] = v3 ? "noaux_tc" : n_groups > 1 ? "group_limited_greedy" : "greedy";
  return {};
}

Result<void> write_deepseek(Copier& from) {
  json::object& config = from.config();
  ONDOL_TRY(write_sizes(from));
  const char* key = from.has("attention.key_length_mla") ? "attention.key_length_mla" : "attention.key_length";
  const char* value = from.has("attention.key_length_mla") ? "attention.value_length_mla" : "attention.value_length";
  const int64_t rotated = ONDOL_TRY(from.integer("rope.dimension_count"));
  config["num_key_value_heads"] = config["num_attention_heads"];
  config["rms_norm_eps"] = ONDOL_TRY(from.number_or("attention.layer_norm_rms_epsilon", 1e-6));
  config["hidden_act"] = "silu";
  const int64_t q_rank = ONDOL_TRY(from.integer_or("attention.q_lora_rank", 0));
  config["q_lora_rank"] = q_rank > 0 ? json::value(q_rank) : json::value(nullptr);
  ONDOL_TRY(from.copy_integer("attention.kv_lora_rank", "kv_lora_rank"));
  config["qk_rope_head_dim"] = rotated;
  config["qk_nope_head_dim"] = ONDOL_TRY(from.integer(key)) - rotated;
  config["v_head_dim"] = ONDOL_TRY(from.integer(value));
  config["first_k_dense_replace"] = ONDOL_TRY(from.integer_or("leading_dense_block_count", 0));
  config["attention_bias"] = from.file().find_tensor("blk.0.attn_kv_a_mqa.bias") != nullptr;
  if (config["model_type"] == "deepseek_v3") {
    config["num_nextn_predict_layers"] = 0;
    config["rope_interleave"] = from.file().meta_string_or("ondol.rope_pairs", "").value() != "halves";
  }
  if (from.has("expert_count")) ONDOL_TRY(write_deepseek_experts(from));
  return write_rope(from, 10000.0, true);
}

Result<void> write_bert(Copier& from) {
  json::object& config = from.config();
  ONDOL_TRY(write_sizes(from));
  const std::string activation = ONDOL_TRY(from.text_or("activation", "gelu"));
  config["layer_norm_eps"] = ONDOL_TRY(from.number_or("attention.layer_norm_epsilon", 1e-12));
  config["hidden_act"] = activation;
  if (const Tensor* types = from.file().find_tensor("token_types.weight")) config["type_vocab_size"] = types->rows();
  const bool is_scorer = from.file().find_tensor("cls.output.weight") != nullptr;
  if (is_scorer) config["id2label"] = json::object{{"0", "LABEL_0"}};
  if (config["model_type"] == "distilbert") {
    config["dim"] = config["hidden_size"];
    config["hidden_dim"] = config["intermediate_size"];
    config["n_layers"] = config["num_hidden_layers"];
    config["n_heads"] = config["num_attention_heads"];
    config["activation"] = activation;
  }
  if (config["model_type"] == "nomic_bert") {
    config["hidden_act"] = "silu";
    return write_rope(from, 1000.0);
  }
  return {};
}

using Write = Result<void> (*)(Copier&);
constexpr std::pair<std::string_view, Write> kWriters[] = {
    {"llama", write_llama},        {"qwen2", write_qwen},      {"qwen2moe", write_qwen},   {"qwen3", write_qwen},
    {"qwen3moe", write_qwen},      {"gemma", write_gemma},     {"gemma2", write_gemma},    {"gemma3", write_gemma},
    {"phi3", write_phi3},          {"gpt2", write_gpt2},       {"gpt-oss", write_gpt_oss}, {"bert", write_bert},
    {"deepseek2", write_deepseek}, {"nomic-bert", write_bert},
};

Result<void> write_token_ids(const ModelFile& file, json::object& config) {
  for (const auto& [key, name] : {std::pair("tokenizer.ggml.bos_token_id", "bos_token_id"),
                                  std::pair("tokenizer.ggml.eos_token_id", "eos_token_id"),
                                  std::pair("tokenizer.ggml.padding_token_id", "pad_token_id")}) {
    if (file.find_meta(key) != nullptr) config[name] = ONDOL_TRY(file.meta_int(key));
  }
  return {};
}

}  // namespace

Result<json::object> hf_config(const ModelFile& file, const HfArchitecture& architecture, DType type) {
  json::object config;
  config["architectures"] = json::array{json::string(architecture.hf_class)};
  config["model_type"] = json::string(architecture.model_type);
  config["torch_dtype"] = type == DType::F32 ? "float32" : type == DType::F16 ? "float16" : "bfloat16";
  Copier from(file, architecture.architecture, config);
  for (const auto& [name, write] : kWriters) {
    if (name == architecture.architecture) ONDOL_TRY(write(from).in(file.path()));
  }
  const Tensor* embedding = file.find_tensor("token_embd.weight");
  if (embedding == nullptr) return Error(fmt::format("{}: there is no tensor 'token_embd.weight'", file.path()));
  config["vocab_size"] = embedding->rows();
  config["tie_word_embeddings"] = file.find_tensor("output.weight") == nullptr;
  ONDOL_TRY(write_token_ids(file, config));
  return config;
}

}  // namespace ondol
