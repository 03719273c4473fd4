// What a file may say: every feature that metadata switches on changes the result, and nonsense is refused by name.
#include <cstring>
#include <functional>

#include "models/registry.h"
#include "tests/models/golden_model.h"
#include "tests/models/overlay_file.h"

namespace ondol {
namespace {

std::shared_ptr<OverlayFile> overlay(const std::string& name) {
  return std::make_shared<OverlayFile>(open_gguf(golden_path(name + ".gguf")).value());
}

double error_of(const std::string& name, const std::function<void(OverlayFile&)>& change) {
  const auto file = overlay(name);
  change(*file);
  auto model = load_model(file);
  if (!model) {
    ADD_FAILURE() << model.error().message();
    return 0.0;
  }
  const Golden golden = read_golden(name);
  Runner runner(**model, {1, "ref"});
  return relative_error(runner.in_chunks(golden.tokens, golden.tokens.size()), golden.logits);
}

/// The goldens would not notice a missing feature if switching it off left the logits alone.
TEST(Metadata, EveryFeatureOfTheGoldensShows) {
  const std::pair<const char*, const char*> keys[] = {
      {"llama-linear", "llama.rope.scaling.factor"},
      {"llama-dynamic", "llama.rope.scaling.type"},
      {"llama-yarn", "llama.rope.scaling.type"},
      {"llama-yarn", "llama.rope.scaling.yarn_beta_fast"},
      {"llama-yarn", "llama.rope.scaling.yarn_beta_slow"},
      {"llama-yarn-factor", "llama.rope.scaling.yarn_attn_factor"},
      {"mistral-window", "llama.attention.sliding_window"},
      {"ministral3", "mistral3.attention.temperature_scale"},
      {"ministral3", "mistral3.rope.scaling.yarn_log_multiplier"},
      {"qwen2-window", "qwen2.attention.sliding_window_pattern"},
      {"qwen3moe-unnormed", "qwen3moe.expert_weights_norm"},
      {"gemma2", "gemma2.attn_logit_softcapping"},
      {"gemma2", "gemma2.final_logit_softcapping"},
      {"gemma2", "gemma2.attention.sliding_window"},
      {"gemma2", "gemma2.attention.scale"},
      {"gemma3", "gemma3.attention.sliding_window"},
      {"gemma3-types", "gemma3.attention.sliding_window_pattern"},
      {"gemma3-types", "gemma3.rope.scaling.factor"},
      {"gemma3-types", "gemma3.rope.freq_base_swa"},
      {"phi3-window", "phi3.attention.sliding_window"},
      {"phi3-longrope", "phi3.rope.scaling.attn_factor"},
      {"phi3-longrope", "phi3.rope.scaling.original_context_length"},
  };
  for (const auto& [model, key] : keys) {
    EXPECT_NE(overlay(model)->find_meta(key), nullptr) << model << " has no " << key;
    EXPECT_GT(error_of(model, [&](OverlayFile& file) { file.remove_key(key); }), 1e-3) << model << " without " << key;
  }
  EXPECT_GT(error_of("llama-llama3", [](OverlayFile& file) { file.remove_tensor("rope_freqs.weight"); }), 1e-3);
  EXPECT_GT(error_of("qwen2", [](OverlayFile& file) { file.remove_tensor("blk.0.attn_q.bias"); }), 1e-3);
  EXPECT_GT(error_of("qwen3", [](OverlayFile& file) { file.fill("blk.0.attn_k_norm.weight", 1.0f); }), 1e-3);
  EXPECT_GT(error_of("gpt2", [](OverlayFile& file) { file.fill("position_embd.weight", 0.0f); }), 1e-3);
  EXPECT_GT(error_of("qwen2moe", [](OverlayFile& file) { file.fill("blk.0.ffn_gate_inp_shexp.weight", 0.0f); }), 1e-3);
}

TEST(Metadata, DefaultsAreThoseOfFilesWithoutTheKey) {
  const auto same = [](const char* model, const char* key) {
    return error_of(model, [&](OverlayFile& file) { file.remove_key(key); });
  };
  EXPECT_LT(same("qwen2moe", "qwen2moe.expert_weights_norm"), 1e-5);
  EXPECT_LT(same("qwen3moe", "qwen3moe.expert_weights_norm"), 1e-5);
  EXPECT_LT(same("llama", "llama.rope.dimension_count"), 1e-5);
  EXPECT_LT(same("llama", "llama.rope.freq_base"), 1e-5);
  EXPECT_LT(same("gemma3", "gemma3.rope.freq_base_swa"), 1e-5);
}

TEST(Metadata, PairsOfHuggingFaceFolders) {
  EXPECT_GT(error_of("llama", [](OverlayFile& file) { file.set("ondol.rope_pairs", std::string("halves")); }), 1e-3);
  EXPECT_LT(error_of("llama", [](OverlayFile& file) { file.set("ondol.rope_pairs", std::string("interleaved")); }),
            1e-5);
}

/// Stacked experts cut into one tensor for each, under both names that occur, and gate and up joined.
TEST(Metadata, OtherLayoutsOfExperts) {
  for (const std::string infix : {"_exps.", "."}) {
    const auto cut = [&](OverlayFile& file) {
      for (const char* layer : {"blk.0.", "blk.1."}) {
        for (const char* kind : {"ffn_gate", "ffn_up", "ffn_down"}) {
          const std::string stem = std::string(layer) + kind;
          const Tensor stack = file.original(stem + "_exps.weight");
          for (int64_t e = 0; e < stack.shape()[0]; ++e)
            file.set(fmt::format("{}{}{}.weight", stem, infix, e), stack[e]);
        }
      }
      for (const char* layer : {"blk.0.", "blk.1."}) {
        for (const char* kind : {"ffn_gate", "ffn_up", "ffn_down"})
          file.remove_tensor(std::string(layer) + kind + "_exps.weight");
      }
    };
    EXPECT_LT(error_of("mixtral", cut), 1e-5) << infix;
  }
  OwnedTensor joined[2];
  const auto join = [&](OverlayFile& file) {
    for (int layer = 0; layer < 2; ++layer) {
      const std::string prefix = fmt::format("blk.{}.ffn_", layer);
      const Tensor gate = file.original(prefix + "gate_exps.weight");
      const Tensor up = file.original(prefix + "up_exps.weight");
      const int64_t n = gate.shape()[0];
      const int64_t rows = gate.shape()[1];
      joined[layer] = OwnedTensor(DType::F32, {n, 2 * rows, gate.columns()});
      Tensor& both = joined[layer].tensor;
      for (int64_t e = 0; e < n; ++e) {
        std::memcpy(both.f32(e * 2 * rows), gate.f32(e * rows), static_cast<size_t>(rows) * gate.row_stride_bytes());
        std::memcpy(both.f32((e * 2 + 1) * rows), up.f32(e * rows), static_cast<size_t>(rows) * up.row_stride_bytes());
      }
    }
    for (int layer = 0; layer < 2; ++layer) {
      const std::string prefix = fmt::format("blk.{}.ffn_", layer);
      file.set(prefix + "gate_up_exps.weight", joined[layer].tensor);
      file.remove_tensor(prefix + "gate_exps.weight");
      file.remove_tensor(prefix + "up_exps.weight");
    }
  };
  EXPECT_LT(error_of("mixtral", join), 1e-5);
}

/// The message with which a changed file is refused.
std::string refusal(const std::string& name, const std::function<void(OverlayFile&)>& change) {
  const auto file = overlay(name);
  change(*file);
  const auto model = load_model(file);
  return model ? "accepted" : model.error().message();
}

TEST(Metadata, UnknownArchitecturesListTheKnown) {
  const std::string message =
      refusal("llama", [](OverlayFile& file) { file.set("general.architecture", std::string("mamba9")); });
  EXPECT_NE(message.find("tiny.gguf: architecture 'mamba9' is not known"), std::string::npos) << message;
  for (const std::string& name : known_architectures()) EXPECT_NE(message.find(name), std::string::npos) << name;
}

TEST(Metadata, WrongShapesAreNamed) {
  const auto wrong = [](OverlayFile& file) { file.set("blk.1.attn_q.weight", file.original("blk.1.attn_k.weight")); };
  EXPECT_EQ(refusal("llama", wrong), "tiny.gguf: tensor 'blk.1.attn_q.weight': expected [64, 32], got [32, 32]");
  EXPECT_EQ(refusal("llama", [](OverlayFile& file) { file.remove_tensor("blk.1.ffn_norm.weight"); }),
            "tiny.gguf: tensor 'blk.1.ffn_norm.weight': expected [32], but the file has no such tensor");
  EXPECT_EQ(refusal("llama", [](OverlayFile& file) { file.remove_tensor("token_embd.weight"); }),
            "tiny.gguf: tensor 'token_embd.weight': the file has no such tensor");
  static int32_t integers[32] = {};
  const auto integer = [](OverlayFile& file) { file.set("output_norm.weight", Tensor(DType::I32, {32}, integers)); };
  EXPECT_EQ(refusal("llama", integer),
            "tiny.gguf: tensor 'output_norm.weight': expected floating or quantized numbers, got I32");
}

TEST(Metadata, NonsenseIsRefused) {
  const auto with = [](const char* model, const std::string& key, MetaValue::Value value) {
    return refusal(model, [&](OverlayFile& file) { file.set(key, value); });
  };
  EXPECT_EQ(with("llama", "llama.attention.head_count", uint32_t{0}),
            "tiny.gguf: key 'llama.attention.head_count': expected 1 to 1024, got 0");
  EXPECT_EQ(with("llama", "llama.attention.head_count_kv", uint32_t{3}),
            "tiny.gguf: key 'llama.attention.head_count_kv': expected a divisor of the 4 heads, got 3");
  EXPECT_EQ(with("llama", "llama.attention.head_count", std::vector<uint32_t>{4}),
            "tiny.gguf: key 'llama.attention.head_count': expected 2 values, one for each layer, got 1");
  const std::pair<const char*, MetaValue::Value> refused[] = {
      {"llama.block_count", uint32_t{0}},
      {"llama.block_count", uint32_t{4000000000u}},
      {"llama.block_count", uint32_t{3}},
      {"llama.embedding_length", uint64_t{1} << 62},
      {"llama.embedding_length", uint32_t{16}},
      {"llama.embedding_length", std::string("32")},
      {"llama.context_length", uint32_t{0}},
      {"llama.attention.key_length", uint32_t{0}},
      {"llama.attention.key_length", uint32_t{32}},
      {"llama.attention.key_length", uint32_t{1000000}},
      {"llama.attention.value_length", uint32_t{8}},
      {"llama.attention.layer_norm_rms_epsilon", -1.0f},
      {"llama.attention.layer_norm_rms_epsilon", std::nanf("")},
      {"llama.attention.scale", -1.0f},
      {"llama.attention.sliding_window", int32_t{-1}},
      {"llama.attention.sliding_window_pattern", std::vector<bool>{true}},
      {"llama.feed_forward_length", uint32_t{0}},
      {"llama.rope.dimension_count", uint32_t{0}},
      {"llama.rope.dimension_count", uint32_t{7}},
      {"llama.rope.dimension_count", uint32_t{18}},
      {"llama.rope.freq_base", 1.0f},
      {"llama.rope.freq_base", INFINITY},
      {"llama.rope.scaling.type", std::string("spiral")},
      {"llama.rope.scaling.type", std::string("longrope")},
      {"llama.rope.scaling.factor", -2.0f},
      {"ondol.rope_pairs", std::string("thirds")},
      {"tokenizer.ggml.tokens", std::vector<std::string>(81, "x")},
  };
  for (const auto& [key, value] : refused) {
    const std::string message = with("llama", key, value);
    EXPECT_NE(message, "accepted") << key;
    EXPECT_TRUE(message.starts_with("tiny.gguf: ")) << message;
  }
  EXPECT_NE(with("mixtral", "llama.expert_used_count", uint32_t{5}), "accepted");
  EXPECT_NE(with("mixtral", "llama.expert_count", uint32_t{0}), "accepted");
  EXPECT_NE(with("mixtral", "llama.expert_count", uint32_t{5}), "accepted");
  EXPECT_NE(with("gpt2", "gpt2.context_length", uint32_t{65}), "accepted");
  EXPECT_NE(with("gpt2", "gpt2.activation", std::string("sine")), "accepted");
  EXPECT_NE(refusal("llama-llama3", [](OverlayFile& file) { file.fill("rope_freqs.weight", 0.0f); }), "accepted");
  EXPECT_NE(refusal("phi3-longrope", [](OverlayFile& file) { file.remove_tensor("rope_factors_short.weight"); }),
            "accepted");
}

}  // namespace
}  // namespace ondol
