#include "formats/quantize_plan.h"

#include <boost/json/value.hpp>

#include "base/files.h"
#include "base/json.h"
#include "tests/formats/temporary_folder.h"

namespace ondol {
namespace {

/// A model of the goldens: shapes without numbers.
AssembledModelFile model_of(const json::value& description) {
  Metadata metadata;
  metadata.emplace_back("general.architecture", MetaValue{string_or(description, "architecture", "")});
  for (const auto& [key, value] : description.at("metadata").as_object()) {
    metadata.emplace_back(std::string(key), MetaValue{static_cast<uint32_t>(value.as_int64())});
  }
  std::vector<TensorEntry> tensors;
  for (const json::value& role : description.at("roles").as_array()) {
    const std::string name(role.at(0).as_string());
    std::vector<int64_t> dims;
    for (const json::value& dim : role.at(1).as_array()) dims.push_back(dim.as_int64());
    const Tensor tensor(dims.size() == 1 ? DType::F32 : DType::F16, Shape(dims), nullptr);
    const int64_t n_layers = role.at(2).as_int64();
    if (n_layers == 0) tensors.push_back({name, tensor});
    for (int64_t i = 0; i < n_layers; ++i) tensors.push_back({fmt::format("blk.{}.{}.weight", i, name), tensor});
  }
  return AssembledModelFile("model.gguf", std::move(metadata), std::move(tensors), {});
}

QuantizePlanOptions options_of(const json::value& plan) {
  QuantizePlanOptions options;
  options.file_type = string_or(plan, "type", "");
  const auto& arguments = plan.at("options").as_array();
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i].as_string();
    const auto next = [&] { return std::string(arguments[++i].as_string()); };
    if (argument == "--pure") options.pure = true;
    if (argument == "--leave-output-tensor") options.leave_output = true;
    if (argument == "--imatrix") options.has_importance = true;
    if (argument == "--output-tensor-type") options.output_type = dtype_from_name(next());
    if (argument == "--token-embedding-type") options.embedding_type = dtype_from_name(next());
    if (argument == "--tensor-type") options.overrides.push_back(*parse_type_override(next()));
  }
  return options;
}

TEST(QuantizePlan, GivesTheTypesThatLlamaQuantizeGives) {
  const auto text = read_file(golden("plans.json"));
  ASSERT_TRUE(text);
  const auto goldens = parse_json(*text);
  ASSERT_TRUE(goldens) << goldens.error().message();
  for (const json::value& expected : goldens->at("plans").as_array()) {
    const auto file = model_of(goldens->at("models").at(expected.at("model").as_string()));
    const auto plan = plan_quantization(file, options_of(expected));
    ASSERT_TRUE(plan) << plan.error().message();
    size_t i = 0;
    for (const json::value& run : expected.at("types").as_array()) {
      for (int64_t n = run.at(1).as_int64(); n > 0; --n, ++i) {
        EXPECT_EQ(info_of(plan->types[i]).name, std::string_view(run.at(0).as_string()))
            << expected.at("model") << " " << expected.at("type") << " " << file.tensors()[i].name;
      }
    }
    EXPECT_EQ(i, plan->types.size());
  }
}

AssembledModelFile one_tensor(const std::string& name, Shape shape, DType type = DType::F32) {
  return AssembledModelFile("model.gguf", {}, {{name, Tensor(type, shape, nullptr)}}, {});
}

DType planned(const AssembledModelFile& file, const QuantizePlanOptions& options) {
  const auto plan = plan_quantization(file, options);
  EXPECT_TRUE(plan) << (plan ? "" : plan.error().message());
  return plan ? plan->types[0] : DType::I8;
}

TEST(QuantizePlan, KnowsNamesAndAliases) {
  const auto file = one_tensor("blk.0.ffn_up.weight", {4, 256});
  EXPECT_EQ(plan_quantization(file, {.file_type = "q4_k"})->file_type, "Q4_K_M");
  EXPECT_EQ(plan_quantization(file, {.file_type = "Q4_K_M"})->file_type_id, 15u);
  const auto unknown = plan_quantization(file, {.file_type = "Q9"});
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message().find("'Q9' is unknown; expected one of F32, F16"), std::string::npos);
  EXPECT_FALSE(plan_quantization(file, {.file_type = ""}));
  for (const std::string& name : quantize_file_types())
    EXPECT_TRUE(plan_quantization(file, {.file_type = name})) << name;
}

TEST(QuantizePlan, LeavesWhatMustStay) {
  const QuantizePlanOptions q4{.file_type = "Q4_0"};
  EXPECT_EQ(planned(one_tensor("blk.0.attn_norm.weight", {256}), q4), DType::F32);
  EXPECT_EQ(planned(one_tensor("blk.0.ffn_gate_inp.weight", {8, 256}), q4), DType::F32);
  EXPECT_EQ(planned(one_tensor("blk.0.ffn_up.bias", {8, 256}), q4), DType::F32);
  EXPECT_EQ(planned(one_tensor("blk.0.ffn_up.weight", {1, 256}), q4), DType::F32);
  EXPECT_EQ(planned(one_tensor("blk.0.ids.weight", {8, 256}, DType::I32), q4), DType::I32);
  EXPECT_EQ(planned(one_tensor("blk.0.ffn_up.weight", {8, 256}), q4), DType::Q4_0);
}

TEST(QuantizePlan, Mxfp4MakesEveryMatrixSo) {
  EXPECT_EQ(planned(one_tensor("blk.0.ffn_up.weight", {8, 256}), {.file_type = "MXFP4"}), DType::MXFP4);
  EXPECT_EQ(planned(one_tensor("token_embd.weight", {8, 256}), {.file_type = "MXFP4"}), DType::Q8_0);
}

TEST(QuantizePlan, SaysWhereTheShapeDecided) {
  const auto file = one_tensor("blk.0.ffn_up.weight", {4, 96});
  const auto plan = plan_quantization(file, {.file_type = "Q4_K_M"});
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->notes.size(), 1u);
  EXPECT_EQ(plan->notes[0],
            "tensor 'blk.0.ffn_up.weight': Q5_0 instead of Q4_K, which needs rows of a multiple of 256, got 96");
}

TEST(QuantizePlan, RefusesBadOverrides) {
  const auto file = one_tensor("blk.0.ffn_up.weight", {4, 256});
  EXPECT_FALSE(plan_quantization(file, {.file_type = "Q4_0", .overrides = {{"(", DType::Q8_0}}}));
  EXPECT_FALSE(plan_quantization(file, {.file_type = "Q4_0", .overrides = {{"x", DType::I32}}}));
  EXPECT_FALSE(plan_quantization(file, {.file_type = "Q4_0", .overrides = {}, .output_type = DType::I8}));
  EXPECT_FALSE(parse_type_override("attn_v"));
  EXPECT_FALSE(parse_type_override("attn_v=Q9"));
  EXPECT_FALSE(parse_type_override("=Q8_0"));
  EXPECT_EQ(*parse_type_override("attn_v=q6_k"), std::pair(std::string("attn_v"), DType::Q6_K));
}

}  // namespace
}  // namespace ondol
