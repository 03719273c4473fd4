// config.json in the styles of transformers 4 and 5, and what becomes of it.
#include "models/hf_config.h"

#include <gtest/gtest.h>

#include "models/hf_metadata.h"

namespace ondol {
namespace {

testing::AssertionResult says(const std::string& message, std::string_view part) {
  if (message.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no '" << part << "' in: " << message;
}

constexpr std::string_view kSizes = R"("hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 4,
  "num_attention_heads": 8, "vocab_size": 100, "max_position_embeddings": 4096)";

/// The canonical metadata of a config with the usual sizes and `more`, as a file that only has metadata.
AssembledModelFile canonical(std::string_view model_type, std::string_view more) {
  const std::string text =
      "{\"model_type\": \"" + std::string(model_type) + "\", " + std::string(kSizes) + ", " + std::string(more) + "}";
  const auto config = HfConfig::parse(text, "config.json");
  EXPECT_TRUE(config);
  auto parts = canonical_parts(*config, *find_hf_architecture(model_type));
  EXPECT_TRUE(parts) << parts.error().message();
  std::vector<TensorEntry> tensors;
  std::vector<std::any> owners;
  for (const auto& [name, values] : parts->vectors) {
    OwnedTensor vector(DType::F32, {static_cast<int64_t>(values.size())});
    std::copy(values.begin(), values.end(), vector.tensor.f32());
    tensors.push_back({name, vector.tensor});
    owners.emplace_back(vector.buffer);
  }
  return {"config.json", std::move(parts->metadata), std::move(tensors), std::move(owners)};
}

std::string error_of(std::string_view model_type, std::string_view more) {
  const std::string text =
      "{\"model_type\": \"" + std::string(model_type) + "\", " + std::string(kSizes) + ", " + std::string(more) + "}";
  const auto config = HfConfig::parse(text, "config.json");
  const auto parts = canonical_parts(*config, *find_hf_architecture(model_type));
  return parts ? "accepted" : parts.error().message();
}

TEST(HfConfig, HeadsWithoutTheirSize) {
  const auto file = canonical("llama", R"("rms_norm_eps": 1e-05)");
  EXPECT_EQ(file.meta_int("llama.attention.key_length").value(), 8);
  EXPECT_EQ(file.meta_int("llama.attention.head_count_kv").value(), 8);
  EXPECT_EQ(file.meta_int("llama.rope.dimension_count").value(), 8);
  EXPECT_FLOAT_EQ(file.meta_double("llama.rope.freq_base").value(), 10000.0);
  EXPECT_EQ(file.meta_string("ondol.rope_pairs").value(), "halves");
  EXPECT_EQ(file.find_meta("llama.attention.sliding_window"), nullptr);
}

TEST(HfConfig, NullIsAbsent) {
  const auto file = canonical("mistral", R"("head_dim": null, "num_key_value_heads": null, "sliding_window": null,
                                            "rope_scaling": null, "rope_theta": 1000000)");
  EXPECT_EQ(file.meta_int("llama.attention.key_length").value(), 8);
  EXPECT_FLOAT_EQ(file.meta_double("llama.rope.freq_base").value(), 1e6);
}

TEST(HfConfig, RopeOfBothVersions) {
  const char* kFour = R"("rope_theta": 500000.0, "rope_scaling": {"type": "yarn", "factor": 4,
                         "original_max_position_embeddings": 1024})";
  const char* kFive = R"("rope_parameters": {"rope_theta": 500000.0, "rope_type": "yarn", "factor": 4.0,
                         "original_max_position_embeddings": 1024})";
  for (const char* more : {kFour, kFive}) {
    const auto file = canonical("qwen3", more);
    EXPECT_FLOAT_EQ(file.meta_double("qwen3.rope.freq_base").value(), 500000.0);
    EXPECT_EQ(file.meta_string("qwen3.rope.scaling.type").value(), "yarn");
    EXPECT_EQ(file.meta_double("qwen3.rope.scaling.factor").value(), 4.0);
    EXPECT_EQ(file.meta_int("qwen3.rope.scaling.original_context_length").value(), 1024);
    EXPECT_EQ(file.find_meta("qwen3.rope.scaling.attn_factor"), nullptr);
  }
}

TEST(HfConfig, Llama3Divisors) {
  const auto file = canonical("llama", R"("head_dim": 128, "rope_theta": 500000.0, "rope_scaling": {"factor": 8.0,
      "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192,
      "rope_type": "llama3"})");
  const Tensor* divisors = file.find_tensor("rope_freqs.weight");
  ASSERT_NE(divisors, nullptr);
  ASSERT_EQ(divisors->shape(), (Shape{64}));
  EXPECT_EQ(divisors->f32()[0], 1.0f);
  EXPECT_EQ(divisors->f32()[63], 8.0f);
  // Pairs 30 and 33 as transformers computes them for Llama 3.1.
  EXPECT_NEAR(divisors->f32()[30], 1.553415f, 1e-5f);
  EXPECT_NEAR(divisors->f32()[33], 3.684253f, 1e-5f);
  EXPECT_EQ(file.find_meta("llama.rope.scaling.type"), nullptr);
}

TEST(HfConfig, Gemma3InsideAMultimodalModel) {
  const std::string text = R"({"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"],
    "text_config": {"model_type": "gemma3_text", "hidden_size": 2560, "intermediate_size": 10240,
      "num_hidden_layers": 34, "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024},
    "vision_config": {"hidden_size": 1152, "num_attention_heads": 16}})";
  const auto config = HfConfig::parse(text, "config.json");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->model_type(), "gemma3_text");
  const auto parts = canonical_parts(*config, *find_hf_architecture("gemma3_text"));
  ASSERT_TRUE(parts) << parts.error().message();
  const AssembledModelFile file("config.json", parts->metadata, {}, {});
  EXPECT_EQ(file.meta_int("gemma3.attention.head_count").value(), 8);
  EXPECT_EQ(file.meta_int("gemma3.attention.key_length").value(), 256);
  EXPECT_EQ(file.meta_string("gemma3.rope.scaling.type").value(), "linear");
  EXPECT_FLOAT_EQ(file.meta_double("gemma3.rope.freq_base").value(), 1e6);
  EXPECT_FLOAT_EQ(file.meta_double("gemma3.rope.freq_base_swa").value(), 1e4);
  EXPECT_EQ(file.meta_int("gemma3.attention.sliding_window").value(), 1024);
}

TEST(HfConfig, IrregularWindowsAreListed) {
  const auto regular = canonical("gemma2", R"("layer_types": ["sliding_attention", "full_attention",
      "sliding_attention", "full_attention"], "sliding_window": 8)");
  EXPECT_EQ(regular.find_meta("gemma2.attention.sliding_window_pattern"), nullptr);
  const auto irregular = canonical("gemma2", R"("layer_types": ["full_attention", "full_attention",
      "sliding_attention", "full_attention"], "sliding_window": 8)");
  EXPECT_NE(irregular.find_meta("gemma2.attention.sliding_window_pattern"), nullptr);
}

TEST(HfConfig, QwenWindowsNeedTheirSwitch) {
  const auto off = canonical("qwen2", R"("sliding_window": 8, "use_sliding_window": false, "max_window_layers": 2)");
  EXPECT_EQ(off.find_meta("qwen2.attention.sliding_window"), nullptr);
  const auto on = canonical("qwen2", R"("sliding_window": 8, "use_sliding_window": true, "max_window_layers": 2)");
  const auto& pattern = std::get<std::vector<bool>>(
      std::get<MetaValue::Array>(on.find_meta("qwen2.attention.sliding_window_pattern")->value));
  EXPECT_EQ(pattern, (std::vector<bool>{false, false, true, true}));
}

TEST(HfConfig, RefusesWhatItCannotCompute) {
  EXPECT_TRUE(says(error_of("llama", R"("hidden_act": "relu")"), "hidden_act"));
  EXPECT_TRUE(says(error_of("llama", R"("rope_scaling": {"type": "spiral"})"), "spiral"));
  EXPECT_TRUE(says(error_of("phi3", R"("rope_scaling": {"type": "longrope", "long_factor": [1], "short_factor": [1]})"),
                   "long_factor"));
  EXPECT_TRUE(says(error_of("llama", R"("head_dim": "wide")"), "head_dim"));
  EXPECT_TRUE(says(error_of("llama", R"("head_dim": 4503599627370496)"), "heads of 4503599627370496 elements"));
  EXPECT_TRUE(says(error_of("llama", R"("num_local_experts": -1.5)"), "num_local_experts"));
  EXPECT_TRUE(says(error_of("qwen2", R"("use_sliding_window": true, "sliding_window": 4,
                                   "layer_types": ["linear_attention"])"),
                   "linear_attention"));
}

}  // namespace
}  // namespace ondol
