#include "models/hf_names.h"

#include <array>
#include <charconv>

namespace ondol {
namespace {

using T = HfTransform;

constexpr HfName kDecoder[] = {
    {"token_embd.weight", "embed_tokens.weight"},
    {"output_norm.weight", "norm.weight"},
    {"output.weight", "lm_head.weight"},
    {"blk.{l}.attn_norm.weight", "layers.{l}.input_layernorm.weight"},
    {"blk.{l}.attn_q.{s}", "layers.{l}.self_attn.q_proj.{s}"},
    {"blk.{l}.attn_k.{s}", "layers.{l}.self_attn.k_proj.{s}"},
    {"blk.{l}.attn_v.{s}", "layers.{l}.self_attn.v_proj.{s}"},
    {"blk.{l}.attn_output.{s}", "layers.{l}.self_attn.o_proj.{s}"},
    {"blk.{l}.attn_q_norm.weight", "layers.{l}.self_attn.q_norm.weight"},
    {"blk.{l}.attn_k_norm.weight", "layers.{l}.self_attn.k_norm.weight"},
    {"blk.{l}.ffn_norm.weight", "layers.{l}.post_attention_layernorm.weight"},
    {"blk.{l}.ffn_gate.{s}", "layers.{l}.mlp.gate_proj.{s}"},
    {"blk.{l}.ffn_up.{s}", "layers.{l}.mlp.up_proj.{s}"},
    {"blk.{l}.ffn_down.{s}", "layers.{l}.mlp.down_proj.{s}"},
    {"", "layers.{l}.self_attn.rotary_emb.inv_freq", T::kDrop},
};

constexpr HfName kLlamaRope[] = {
    {"blk.{l}.attn_q.{s}", "layers.{l}.self_attn.q_proj.{s}", T::kRopeRowsQ},
    {"blk.{l}.attn_k.{s}", "layers.{l}.self_attn.k_proj.{s}", T::kRopeRowsK},
};

constexpr HfName kMixtral[] = {
    {"blk.{l}.ffn_gate_inp.weight", "layers.{l}.block_sparse_moe.gate.weight"},
    {"blk.{l}.ffn_gate_exps.{e}.weight", "layers.{l}.block_sparse_moe.experts.{e}.w1.weight"},
    {"blk.{l}.ffn_down_exps.{e}.weight", "layers.{l}.block_sparse_moe.experts.{e}.w2.weight"},
    {"blk.{l}.ffn_up_exps.{e}.weight", "layers.{l}.block_sparse_moe.experts.{e}.w3.weight"},
};

constexpr HfName kExperts[] = {
    {"blk.{l}.ffn_gate_inp.weight", "layers.{l}.mlp.gate.weight"},
    {"blk.{l}.ffn_gate_exps.{e}.weight", "layers.{l}.mlp.experts.{e}.gate_proj.weight"},
    {"blk.{l}.ffn_down_exps.{e}.weight", "layers.{l}.mlp.experts.{e}.down_proj.weight"},
    {"blk.{l}.ffn_up_exps.{e}.weight", "layers.{l}.mlp.experts.{e}.up_proj.weight"},
    {"blk.{l}.ffn_gate_up_exps.weight", "layers.{l}.mlp.experts.gate_up_proj"},
    {"blk.{l}.ffn_down_exps.weight", "layers.{l}.mlp.experts.down_proj"},
};

constexpr HfName kSharedExpert[] = {
    {"blk.{l}.ffn_gate_shexp.weight", "layers.{l}.mlp.shared_expert.gate_proj.weight"},
    {"blk.{l}.ffn_up_shexp.weight", "layers.{l}.mlp.shared_expert.up_proj.weight"},
    {"blk.{l}.ffn_down_shexp.weight", "layers.{l}.mlp.shared_expert.down_proj.weight"},
    {"blk.{l}.ffn_gate_inp_shexp.weight", "layers.{l}.mlp.shared_expert_gate.weight"},
};

constexpr HfName kGemmaNorms[] = {
    {"output_norm.weight", "norm.weight", T::kPlusOne},
    {"blk.{l}.attn_norm.weight", "layers.{l}.input_layernorm.weight", T::kPlusOne},
    {"blk.{l}.attn_q_norm.weight", "layers.{l}.self_attn.q_norm.weight", T::kPlusOne},
    {"blk.{l}.attn_k_norm.weight", "layers.{l}.self_attn.k_norm.weight", T::kPlusOne},
    {"blk.{l}.post_attention_norm.weight", "layers.{l}.post_attention_layernorm.weight", T::kPlusOne},
    {"blk.{l}.ffn_norm.weight", "layers.{l}.pre_feedforward_layernorm.weight", T::kPlusOne},
    {"blk.{l}.post_ffw_norm.weight", "layers.{l}.post_feedforward_layernorm.weight", T::kPlusOne},
};

constexpr HfName kGemma1Norms[] = {
    {"output_norm.weight", "norm.weight", T::kPlusOne},
    {"blk.{l}.attn_norm.weight", "layers.{l}.input_layernorm.weight", T::kPlusOne},
    {"blk.{l}.ffn_norm.weight", "layers.{l}.post_attention_layernorm.weight", T::kPlusOne},
};

constexpr HfName kPhi3[] = {
    {"blk.{l}.attn_qkv.{s}", "layers.{l}.self_attn.qkv_proj.{s}"},
    {"blk.{l}.ffn_up.{s}", "layers.{l}.mlp.gate_up_proj.{s}"},
};

constexpr HfName kGpt2[] = {
    {"token_embd.weight", "wte.weight"},
    {"position_embd.weight", "wpe.weight"},
    {"output_norm.{s}", "ln_f.{s}"},
    {"output.weight", "lm_head.weight"},
    {"blk.{l}.attn_norm.{s}", "h.{l}.ln_1.{s}"},
    {"blk.{l}.attn_qkv.weight", "h.{l}.attn.c_attn.weight", T::kTranspose},
    {"blk.{l}.attn_qkv.bias", "h.{l}.attn.c_attn.bias"},
    {"blk.{l}.attn_output.weight", "h.{l}.attn.c_proj.weight", T::kTranspose},
    {"blk.{l}.attn_output.bias", "h.{l}.attn.c_proj.bias"},
    {"blk.{l}.ffn_norm.{s}", "h.{l}.ln_2.{s}"},
    {"blk.{l}.ffn_up.weight", "h.{l}.mlp.c_fc.weight", T::kTranspose},
    {"blk.{l}.ffn_up.bias", "h.{l}.mlp.c_fc.bias"},
    {"blk.{l}.ffn_down.weight", "h.{l}.mlp.c_proj.weight", T::kTranspose},
    {"blk.{l}.ffn_down.bias", "h.{l}.mlp.c_proj.bias"},
    {"", "h.{l}.attn.bias", T::kDrop},  // the causal mask
    {"", "h.{l}.attn.masked_bias", T::kDrop},
};

constexpr HfName kGptOss[] = {
    {"blk.{l}.attn_sinks.weight", "layers.{l}.self_attn.sinks"},
    {"blk.{l}.post_attention_norm.weight", "layers.{l}.post_attention_layernorm.weight"},
    {"blk.{l}.ffn_gate_inp.{s}", "layers.{l}.mlp.router.{s}"},
    {"", "layers.{l}.mlp.experts.gate_up_proj", T::kGptOssGateUp},
    {"", "layers.{l}.mlp.experts.gate_up_proj_bias", T::kGptOssBias},
    {"", "layers.{l}.mlp.experts.down_proj", T::kGptOssDown},
    {"blk.{l}.ffn_down_exps.bias", "layers.{l}.mlp.experts.down_proj_bias"},
    {"", "layers.{l}.mlp.experts.gate_up_proj_blocks", T::kMxfp4GateUp},
    {"", "layers.{l}.mlp.experts.down_proj_blocks", T::kMxfp4Down},
    {"", "layers.{l}.mlp.experts.gate_up_proj_scales", T::kMxfp4Scales},
    {"", "layers.{l}.mlp.experts.down_proj_scales", T::kMxfp4Scales},
};

constexpr HfName kDeepseek[] = {
    {"blk.{l}.attn_q_a.{s}", "layers.{l}.self_attn.q_a_proj.{s}"},
    {"blk.{l}.attn_q_a_norm.weight", "layers.{l}.self_attn.q_a_layernorm.weight"},
    {"blk.{l}.attn_q_b.weight", "layers.{l}.self_attn.q_b_proj.weight"},
    {"blk.{l}.attn_kv_a_mqa.{s}", "layers.{l}.self_attn.kv_a_proj_with_mqa.{s}"},
    {"blk.{l}.attn_kv_a_norm.weight", "layers.{l}.self_attn.kv_a_layernorm.weight"},
    {"blk.{l}.attn_kv_b.weight", "layers.{l}.self_attn.kv_b_proj.weight"},
    {"blk.{l}.exp_probs_b.bias", "layers.{l}.mlp.gate.e_score_correction_bias"},
    {"blk.{l}.ffn_gate_shexp.weight", "layers.{l}.mlp.shared_experts.gate_proj.weight"},
    {"blk.{l}.ffn_up_shexp.weight", "layers.{l}.mlp.shared_experts.up_proj.weight"},
    {"blk.{l}.ffn_down_shexp.weight", "layers.{l}.mlp.shared_experts.down_proj.weight"},
};

constexpr HfName kBert[] = {
    {"token_embd.weight", "embeddings.word_embeddings.weight"},
    {"token_types.weight", "embeddings.token_type_embeddings.weight"},
    {"position_embd.weight", "embeddings.position_embeddings.weight", T::kPositions},
    {"token_embd_norm.{s}", "embeddings.LayerNorm.{s}"},
    {"blk.{l}.attn_q.{s}", "encoder.layer.{l}.attention.self.query.{s}"},
    {"blk.{l}.attn_k.{s}", "encoder.layer.{l}.attention.self.key.{s}"},
    {"blk.{l}.attn_v.{s}", "encoder.layer.{l}.attention.self.value.{s}"},
    {"blk.{l}.attn_output.{s}", "encoder.layer.{l}.attention.output.dense.{s}"},
    {"blk.{l}.attn_output_norm.{s}", "encoder.layer.{l}.attention.output.LayerNorm.{s}"},
    {"blk.{l}.ffn_up.{s}", "encoder.layer.{l}.intermediate.dense.{s}"},
    {"blk.{l}.ffn_down.{s}", "encoder.layer.{l}.output.dense.{s}"},
    {"blk.{l}.layer_output_norm.{s}", "encoder.layer.{l}.output.LayerNorm.{s}"},
    // Checkpoints that were converted from TensorFlow call a norm's parts gamma and beta.
    {"token_embd_norm.weight", "embeddings.LayerNorm.gamma"},
    {"token_embd_norm.bias", "embeddings.LayerNorm.beta"},
    {"blk.{l}.attn_output_norm.weight", "encoder.layer.{l}.attention.output.LayerNorm.gamma"},
    {"blk.{l}.attn_output_norm.bias", "encoder.layer.{l}.attention.output.LayerNorm.beta"},
    {"blk.{l}.layer_output_norm.weight", "encoder.layer.{l}.output.LayerNorm.gamma"},
    {"blk.{l}.layer_output_norm.bias", "encoder.layer.{l}.output.LayerNorm.beta"},
};

// Of models that score pairs of texts; other models' heads are left out (hugging_face.cpp).
constexpr HfName kBertHead[] = {
    {"cls.{s}", "pooler.dense.{s}"},
    {"cls.output.{s}", "classifier.{s}"},
};

constexpr HfName kRobertaHead[] = {
    {"cls.{s}", "classifier.dense.{s}"},
    {"cls.output.{s}", "classifier.out_proj.{s}"},
};

constexpr HfName kDistilBert[] = {
    {"token_embd.weight", "embeddings.word_embeddings.weight"},
    {"position_embd.weight", "embeddings.position_embeddings.weight"},
    {"token_embd_norm.{s}", "embeddings.LayerNorm.{s}"},
    {"blk.{l}.attn_q.{s}", "transformer.layer.{l}.attention.q_lin.{s}"},
    {"blk.{l}.attn_k.{s}", "transformer.layer.{l}.attention.k_lin.{s}"},
    {"blk.{l}.attn_v.{s}", "transformer.layer.{l}.attention.v_lin.{s}"},
    {"blk.{l}.attn_output.{s}", "transformer.layer.{l}.attention.out_lin.{s}"},
    {"blk.{l}.attn_output_norm.{s}", "transformer.layer.{l}.sa_layer_norm.{s}"},
    {"blk.{l}.ffn_up.{s}", "transformer.layer.{l}.ffn.lin1.{s}"},
    {"blk.{l}.ffn_down.{s}", "transformer.layer.{l}.ffn.lin2.{s}"},
    {"blk.{l}.layer_output_norm.{s}", "transformer.layer.{l}.output_layer_norm.{s}"},
};

constexpr HfName kNomicBert[] = {
    {"token_embd.weight", "embeddings.word_embeddings.weight"},
    {"token_types.weight", "embeddings.token_type_embeddings.weight"},
    {"token_embd_norm.{s}", "emb_ln.{s}"},
    {"blk.{l}.attn_qkv.{s}", "encoder.layers.{l}.attn.Wqkv.{s}"},
    {"blk.{l}.attn_output.{s}", "encoder.layers.{l}.attn.out_proj.{s}"},
    {"blk.{l}.attn_output_norm.{s}", "encoder.layers.{l}.norm1.{s}"},
    {"blk.{l}.ffn_up.{s}", "encoder.layers.{l}.mlp.fc11.{s}"},
    {"blk.{l}.ffn_gate.{s}", "encoder.layers.{l}.mlp.fc12.{s}"},
    {"blk.{l}.ffn_down.{s}", "encoder.layers.{l}.mlp.fc2.{s}"},
    {"blk.{l}.layer_output_norm.{s}", "encoder.layers.{l}.norm2.{s}"},
};

using Tables = std::span<const HfName>;
constexpr Tables kLlamaTables[] = {kLlamaRope, kDecoder};
constexpr Tables kMixtralTables[] = {kLlamaRope, kMixtral, kExperts, kDecoder};
constexpr Tables kDecoderTables[] = {kDecoder};
constexpr Tables kExpertTables[] = {kExperts, kDecoder};
constexpr Tables kSharedExpertTables[] = {kExperts, kSharedExpert, kDecoder};
constexpr Tables kGemmaTables[] = {kGemmaNorms, kDecoder};
constexpr Tables kGemma1Tables[] = {kGemma1Norms, kDecoder};
constexpr Tables kPhi3Tables[] = {kPhi3, kDecoder};
constexpr Tables kGpt2Tables[] = {kGpt2};
constexpr Tables kGptOssTables[] = {kGptOss, kDecoder};
constexpr Tables kDeepseekTables[] = {kDeepseek, kExperts, kDecoder};
constexpr Tables kBertTables[] = {kBert, kBertHead};
constexpr Tables kRobertaTables[] = {kBert, kRobertaHead};
constexpr Tables kDistilBertTables[] = {kDistilBert};
constexpr Tables kNomicBertTables[] = {kNomicBert};

// The first entry of a GGUF architecture is the one that a folder is written as, unless convert.cpp knows better.
constexpr HfArchitecture kArchitectures[] = {
    {"llama", "llama", "LlamaForCausalLM", "model.", kLlamaTables},
    {"mistral", "llama", "MistralForCausalLM", "model.", kLlamaTables},
    {"mixtral", "llama", "MixtralForCausalLM", "model.", kMixtralTables},
    {"qwen2", "qwen2", "Qwen2ForCausalLM", "model.", kDecoderTables},
    {"qwen2_moe", "qwen2moe", "Qwen2MoeForCausalLM", "model.", kSharedExpertTables},
    {"qwen3", "qwen3", "Qwen3ForCausalLM", "model.", kDecoderTables},
    {"qwen3_moe", "qwen3moe", "Qwen3MoeForCausalLM", "model.", kExpertTables},
    {"gemma", "gemma", "GemmaForCausalLM", "model.", kGemma1Tables},
    {"gemma2", "gemma2", "Gemma2ForCausalLM", "model.", kGemmaTables},
    {"gemma3_text", "gemma3", "Gemma3ForCausalLM", "model.", kGemmaTables},
    {"gemma3", "gemma3", "Gemma3ForCausalLM", "model.", kGemmaTables},
    {"phi3", "phi3", "Phi3ForCausalLM", "model.", kPhi3Tables},
    {"gpt2", "gpt2", "GPT2LMHeadModel", "transformer.", kGpt2Tables},
    {"gpt_oss", "gpt-oss", "GptOssForCausalLM", "model.", kGptOssTables},
    {"deepseek_v2", "deepseek2", "DeepseekV2ForCausalLM", "model.", kDeepseekTables},
    {"deepseek_v3", "deepseek2", "DeepseekV3ForCausalLM", "model.", kDeepseekTables},
    {"bert", "bert", "BertModel", "", kBertTables},
    {"roberta", "bert", "RobertaModel", "", kRobertaTables},
    {"xlm-roberta", "bert", "XLMRobertaModel", "", kRobertaTables},
    {"camembert", "bert", "CamembertModel", "", kRobertaTables},
    {"distilbert", "bert", "DistilBertModel", "", kDistilBertTables},
    {"nomic_bert", "nomic-bert", "NomicBertModel", "", kNomicBertTables},
};

constexpr HfArchitecture kScorer = {"bert", "bert", "BertForSequenceClassification", "bert.", kBertTables};

template <typename Pick>
std::optional<HfMatch> find_in_tables(const HfArchitecture& architecture, std::string_view name, Pick pattern_of) {
  for (const auto& table : architecture.tables) {
    for (const HfName& entry : table) {
      const std::string_view pattern = pattern_of(entry);
      if (pattern.empty()) continue;
      if (const auto parts = match_name(pattern, name)) return HfMatch{&entry, *parts};
    }
  }
  return std::nullopt;
}

/// Takes a number of at most six digits from the front of `name`; -1 when there is none.
int take_number(std::string_view& name) {
  int number = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + std::min<size_t>(name.size(), 6), number);
  if (error != std::errc() || number < 0) return -1;
  name.remove_prefix(static_cast<size_t>(end - name.data()));
  return number;
}

}  // namespace

std::optional<HfNameParts> match_name(std::string_view pattern, std::string_view name) {
  HfNameParts parts;
  while (!pattern.empty()) {
    if (pattern.starts_with("{s}")) {
      if (name != "weight" && name != "bias") return std::nullopt;
      parts.suffix = name;
      return parts;
    }
    if (pattern.starts_with("{")) {
      int& number = pattern[1] == 'l' ? parts.layer : parts.expert;
      number = take_number(name);
      if (number < 0) return std::nullopt;
      pattern.remove_prefix(3);
      continue;
    }
    const std::string_view literal = pattern.substr(0, pattern.find('{'));
    if (!name.starts_with(literal)) return std::nullopt;
    pattern.remove_prefix(literal.size());
    name.remove_prefix(literal.size());
  }
  if (!name.empty()) return std::nullopt;
  return parts;
}

std::string fill_name(std::string_view pattern, const HfNameParts& parts) {
  std::string name;
  while (!pattern.empty()) {
    if (pattern[0] != '{') {
      const std::string_view literal = pattern.substr(0, pattern.find('{'));
      name += literal;
      pattern.remove_prefix(literal.size());
      continue;
    }
    if (pattern[1] == 's') name += parts.suffix;
    if (pattern[1] == 'l') name += std::to_string(parts.layer);
    if (pattern[1] == 'e') name += std::to_string(parts.expert);
    pattern.remove_prefix(3);
  }
  return name;
}

std::span<const HfArchitecture> hf_architectures() {
  return kArchitectures;
}

const HfArchitecture& hf_scorer() {
  return kScorer;
}

const HfArchitecture* find_hf_architecture(std::string_view model_type) {
  for (const HfArchitecture& architecture : kArchitectures) {
    if (architecture.model_type == model_type) return &architecture;
  }
  return nullptr;
}

std::string_view without_model_prefix(std::string_view name) {
  constexpr std::string_view kPrefixes[] = {"model.language_model.",
                                            "language_model.model.",
                                            "language_model.",
                                            "model.text_model.",
                                            "model.",
                                            "transformer.h.",
                                            "transformer.w",
                                            "transformer.ln_f",
                                            "bert.",
                                            "roberta.",
                                            "distilbert.",
                                            "nomic_bert."};
  for (const std::string_view prefix : kPrefixes) {
    if (!name.starts_with(prefix)) continue;
    // "transformer." is a prefix in GPT-2 and part of the names in DistilBERT.
    const size_t drop = prefix.starts_with("transformer.") ? std::string_view("transformer.").size() : prefix.size();
    return name.substr(drop);
  }
  return name;
}

std::optional<HfMatch> find_by_hf_name(const HfArchitecture& architecture, std::string_view name) {
  return find_in_tables(architecture, name, [](const HfName& entry) { return entry.hf; });
}

std::optional<HfMatch> find_by_canonical_name(const HfArchitecture& architecture, std::string_view name) {
  return find_in_tables(architecture, name, [](const HfName& entry) { return entry.canonical; });
}

}  // namespace ondol
