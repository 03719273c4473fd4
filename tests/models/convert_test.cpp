// Conversion both ways: the same numbers, under the names and in the form of the other side.
#include "models/convert.h"

#include <filesystem>

#include "formats/gguf_writer.h"
#include "models/gguf_form.h"
#include "quant/format.h"
#include "tests/formats/temporary_folder.h"
#include "tests/models/hf_golden.h"

namespace ondol {
namespace {

const char* const kNames[] = {"llama",
                              "llama3-rope",
                              "llama-linear-bias",
                              "mistral",
                              "mixtral",
                              "qwen2",
                              "qwen2-yarn",
                              "qwen3",
                              "qwen3moe",
                              "gemma2",
                              "gemma3",
                              "phi3",
                              "gpt2",
                              "phi3-longrope",
                              "gpt-oss",
                              "deepseek-v2",
                              "deepseek-v2-groups",
                              "deepseek-v3",
                              "bert",
                              "roberta",
                              "distilbert",
                              "nomic-bert"};

/// A folder per test, whose parameter has characters that file names do not need.
class Convert : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("ondol-convert-{}-{}", GetParam(), ::getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// The golden as GGUF.
  std::string gguf(const ConvertOptions& options = {}) const {
    const auto file = open_model_file(hf_golden_folder(GetParam()));
    EXPECT_TRUE(file) << file.error().message();
    const auto written = convert_to_gguf(*file, path("model.gguf"), options);
    EXPECT_TRUE(written) << written.error().message();
    return path("model.gguf");
  }

  void expect_golden(const std::string& model_path, float tolerance = 1e-3f) const {
    const HfGolden golden = read_hf_golden(GetParam());
    TestRun run(model_path);
    ASSERT_TRUE(run.ok());
    const auto output = run.model().config().causal ? Batch::Output::kLogits : Batch::Output::kHidden;
    EXPECT_LT(largest_difference(run.run(golden.tokens, 1000, output), golden.rows), tolerance);
  }

  std::filesystem::path folder_;
};

void expect_same_tensors(const ModelFile& got, const ModelFile& expected, bool rounded_norms) {
  for (const TensorEntry& entry : expected.tensors()) {
    // Heads for other tasks are not part of what runs; BERT's "pooler" is one.
    if (entry.name.find("pooler") != std::string::npos) continue;
    const Tensor* tensor = got.find_tensor(entry.name);
    ASSERT_NE(tensor, nullptr) << entry.name;
    if (entry.name.ends_with("position_embeddings.weight")) continue;
    if (rounded_norms && entry.name.ends_with("norm.weight")) continue;
    EXPECT_EQ(tensor->type(), entry.tensor.type()) << entry.name;
    ASSERT_EQ(tensor->shape(), entry.tensor.shape()) << entry.name;
    EXPECT_EQ(std::memcmp(tensor->bytes(), entry.tensor.bytes(), tensor->size_bytes()), 0) << entry.name;
  }
}

TEST_P(Convert, FolderToGgufRuns) {
  expect_golden(gguf());
}

TEST_P(Convert, FolderToGgufToFolder) {
  const auto file = open_model_file(gguf());
  ASSERT_TRUE(file) << file.error().message();
  const auto written = convert_to_hugging_face(*file, path("back"), {});
  ASSERT_TRUE(written) << written.error().message();
  expect_golden(path("back"));
  const auto got = open_safetensors(path("back"));
  const auto expected = open_safetensors(hf_golden_folder(GetParam()));
  ASSERT_TRUE(got && expected);
  const bool gemma_in_f32 = std::string(GetParam()) == "gemma2";
  expect_same_tensors(**got, **expected, gemma_in_f32);
}

TEST_P(Convert, GgufFormInMemory) {
  ConvertOptions options;
  options.type = DType::BF16;
  const auto folder = convert_to_hugging_face(open_model_file(gguf()).value(), path("bf16"), options);
  ASSERT_TRUE(folder) << folder.error().message();
  const auto file = open_model_file(path("bf16"));
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_TRUE(convert_to_gguf(*file, path("bf16.gguf"), {}));
  const auto written = open_model_file(path("bf16.gguf"));
  ASSERT_TRUE(written);
  const auto formed = in_gguf_form(*file);
  ASSERT_TRUE(formed) << formed.error().message();
  ASSERT_EQ((*formed)->tensors().size(), (*written)->tensors().size());
  for (const TensorEntry& entry : (*written)->tensors()) {
    const Tensor* tensor = (*formed)->find_tensor(entry.name);
    ASSERT_NE(tensor, nullptr) << entry.name;
    EXPECT_EQ(tensor->type(), entry.tensor.type()) << entry.name;
    ASSERT_EQ(tensor->shape(), entry.tensor.shape()) << entry.name;
    EXPECT_EQ(std::memcmp(tensor->bytes(), entry.tensor.bytes(), tensor->size_bytes()), 0) << entry.name;
  }
  for (const auto& [key, value] : (*formed)->metadata()) {
    EXPECT_NE((*written)->find_meta(key), nullptr) << key;
  }
}

TEST_P(Convert, ToF16) {
  ConvertOptions options;
  options.type = DType::F16;
  expect_golden(gguf(options), 2e-2f);
  const auto file = open_model_file(path("model.gguf"));
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->find_tensor("token_embd.weight")->type(), DType::F16);
  EXPECT_EQ((*file)->meta_int("general.file_type").value(), 1);
}

INSTANTIATE_TEST_SUITE_P(, Convert, testing::ValuesIn(kNames), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

class ConvertFiles : public TemporaryFolder {};

/// The golden llama with its matrices in Q8_0.
std::shared_ptr<const ModelFile> quantized_llama() {
  const auto plain = in_gguf_form(open_model_file(hf_golden_folder("llama")).value()).value();
  std::vector<TensorEntry> tensors;
  std::vector<std::any> owners{plain};
  for (TensorEntry entry : plain->tensors()) {
    if (entry.tensor.shape().rank() == 2 && entry.tensor.columns() % 32 == 0) {
      OwnedTensor copy(DType::Q8_0, entry.tensor.shape());
      for (int64_t row = 0; row < entry.tensor.rows(); ++row) {
        format_of(DType::Q8_0)
            .encode(entry.tensor.f32(row), nullptr, copy.tensor.row_bytes(row), entry.tensor.columns());
      }
      entry.tensor = copy.tensor;
      owners.emplace_back(copy.buffer);
    }
    tensors.push_back(entry);
  }
  return std::make_shared<AssembledModelFile>("quantized", plain->metadata(), tensors, owners);
}

TEST_F(ConvertFiles, QuantizedIsDecodedForFolders) {
  for (const DType type : {DType::F32, DType::F16, DType::BF16}) {
    ConvertOptions options;
    options.type = type;
    const std::string folder = path(std::string(info_of(type).name));
    const auto written = convert_to_hugging_face(quantized_llama(), folder, options);
    ASSERT_TRUE(written) << written.error().message();
    const auto file = open_safetensors(folder);
    ASSERT_TRUE(file);
    EXPECT_EQ((*file)->find_tensor("model.layers.0.self_attn.q_proj.weight")->type(), type);
    TestRun run(folder);
    ASSERT_TRUE(run.ok());
    const HfGolden golden = read_hf_golden("llama");
    EXPECT_LT(largest_difference(run.run(golden.tokens, 1000), golden.rows), 5e-2f);
  }
}

TEST_F(ConvertFiles, ShardsWithIndex) {
  ConvertOptions options;
  options.max_file_bytes = 30000;
  ASSERT_TRUE(convert_to_hugging_face(open_model_file(hf_golden_folder("llama")).value(), path("shards"), options));
  EXPECT_TRUE(std::filesystem::exists(path("shards/model.safetensors.index.json")));
  EXPECT_FALSE(std::filesystem::exists(path("shards/model.safetensors")));
  TestRun run(path("shards"));
  ASSERT_TRUE(run.ok());
  const HfGolden golden = read_hf_golden("llama");
  EXPECT_LT(largest_difference(run.run(golden.tokens, 1000), golden.rows), 1e-3f);
}

TEST_F(ConvertFiles, CallersMetadataAndFilesAreKept) {
  ConvertOptions options;
  options.metadata.emplace_back("tokenizer.ggml.model", MetaValue{std::string("gpt2")});
  options.metadata.emplace_back("general.name", MetaValue{std::string("mine")});
  options.files.emplace_back("tokenizer.json", "{}");
  const auto file = open_model_file(hf_golden_folder("llama")).value();
  ASSERT_TRUE(convert_to_gguf(file, path("m.gguf"), options));
  const auto gguf = open_model_file(path("m.gguf"));
  ASSERT_TRUE(gguf);
  EXPECT_EQ((*gguf)->meta_string("tokenizer.ggml.model").value(), "gpt2");
  EXPECT_EQ((*gguf)->meta_string("general.name").value(), "mine");
  EXPECT_EQ((*gguf)->find_meta("ondol.rope_pairs"), nullptr);
  ASSERT_TRUE(convert_to_hugging_face(*gguf, path("folder"), options));
  EXPECT_TRUE(std::filesystem::exists(path("folder/tokenizer.json")));
}

TEST_F(ConvertFiles, StopsAndRefuses) {
  const auto file = open_model_file(hf_golden_folder("llama")).value();
  ConvertOptions options;
  options.progress = [](const ConvertProgress& progress) { return progress.index < 3; };
  EXPECT_FALSE(convert_to_gguf(file, path("m.gguf"), options));
  EXPECT_FALSE(std::filesystem::exists(path("m.gguf")));
  options = {};
  options.type = DType::Q8_0;
  const auto quantized = convert_to_gguf(file, path("m.gguf"), options);
  ASSERT_FALSE(quantized);
  EXPECT_NE(quantized.error().message().find("Q8_0"), std::string::npos);
  const auto other = std::make_shared<AssembledModelFile>(
      "x.gguf", Metadata{{"general.architecture", MetaValue{std::string("mistral3")}}}, std::vector<TensorEntry>{},
      std::vector<std::any>{});
  EXPECT_FALSE(convert_to_hugging_face(other, path("folder"), {}));
}

}  // namespace
}  // namespace ondol
