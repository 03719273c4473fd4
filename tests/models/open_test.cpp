// What is opened as what, and what people are told when it cannot be.
#include <filesystem>
#include <fstream>

#include "tests/formats/temporary_folder.h"
#include "tests/models/hf_golden.h"

namespace ondol {
namespace {

testing::AssertionResult says(const std::string& message, std::string_view part) {
  if (message.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no '" << part << "' in: " << message;
}

class OpenModelFile : public TemporaryFolder {};

std::string error_of(const std::string& path) {
  const auto file = open_model_file(path);
  return file ? "opened" : file.error().message();
}

void write_text(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST_F(OpenModelFile, FolderAndFilesInIt) {
  for (const char* name : {"", "/", "/config.json", "/model.safetensors"}) {
    const auto file = open_model_file(hf_golden_folder("llama") + name);
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_EQ((*file)->meta_string("general.architecture").value(), "llama");
    EXPECT_EQ((*file)->meta_string("general.name").value(), "llama");
  }
}

TEST_F(OpenModelFile, WhatMakersRecommendForSampling) {
  for (const char* name : {"config.json", "model.safetensors"}) {
    std::filesystem::copy_file(hf_golden_folder("llama") + "/" + name, path(name));
  }
  write_text(path("generation_config.json"),
             R"({"temperature": 0.6, "top_k": 20, "top_p": 0.95, "repetition_penalty": "much", "do_sample": true})");
  const auto file = open_model_file(path(""));
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_FLOAT_EQ(static_cast<float>((*file)->meta_double("general.sampling.temp").value()), 0.6f);
  EXPECT_EQ((*file)->meta_int("general.sampling.top_k").value(), 20);
  EXPECT_FLOAT_EQ(static_cast<float>((*file)->meta_double("general.sampling.top_p").value()), 0.95f);
  EXPECT_EQ((*file)->find_meta("general.sampling.penalty_repeat"), nullptr);
}

TEST_F(OpenModelFile, GgufAndFolderWithOne) {
  const std::string gguf = ONDOL_SOURCE_DIR "/tests/golden/models/llama.gguf";
  ASSERT_TRUE(open_model_file(gguf));
  std::filesystem::copy_file(gguf, path("any.gguf"));
  EXPECT_TRUE(open_model_file(path("")));
}

TEST_F(OpenModelFile, SaysWhatIsMissing) {
  EXPECT_TRUE(says(error_of("/nonexistent/model"), "no such file or folder"));
  EXPECT_TRUE(says(error_of(path("")), "expected config.json"));
  write_text(path("config.json"), R"({"model_type": "llama"})");
  EXPECT_TRUE(says(error_of(path("")), "num_hidden_layers"));
  write_text(path("config.json"), R"({"model_type": "mamba"})");
  EXPECT_TRUE(says(error_of(path("")), "'mamba' is not known; known are llama"));
  write_text(path("config.json"), "{}");
  EXPECT_TRUE(says(error_of(path("")), "model_type"));
  write_text(path("config.json"), "{");
  EXPECT_TRUE(says(error_of(path("")), "config.json: line 1"));
}

TEST_F(OpenModelFile, HintsAtPyTorchFiles) {
  write_text(path("pytorch_model.bin"), "x");
  EXPECT_TRUE(says(error_of(path("pytorch_model.bin")), "safetensors"));
  std::filesystem::copy_file(hf_golden_folder("llama") + "/config.json", path("config.json"));
  EXPECT_TRUE(says(error_of(path("")), "safetensors"));
}

}  // namespace
}  // namespace ondol
