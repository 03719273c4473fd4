#include "hub/store.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace ondol {
namespace {

namespace fs = std::filesystem;

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_);
    folders_ = {(root_ / "own").string(), (root_ / "hf").string(), (root_ / "ollama").string()};
  }
  void TearDown() override { fs::remove_all(root_); }

  fs::path write(const std::string& path, const std::string& content = "x") {
    const fs::path file = root_ / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << content;
    return file;
  }

  fs::path root_ = fs::temp_directory_path() / fmt::format("ondol-store-{}", ::getpid());
  StoreFolders folders_;
};

TEST(QuantizationInName, IsFoundInUsualNames) {
  EXPECT_EQ(quantization_in("Qwen3-0.6B-Q8_0.gguf"), "Q8_0");
  EXPECT_EQ(quantization_in("qwen2.5-0.5b-instruct-q4_k_m.gguf"), "Q4_K_M");
  EXPECT_EQ(quantization_in("gpt-oss-20b-MXFP4.gguf"), "MXFP4");
  EXPECT_EQ(quantization_in("model.IQ4_XS.gguf"), "IQ4_XS");
  EXPECT_EQ(quantization_in("big-BF16-00001-of-00003.gguf"), "BF16");
  EXPECT_EQ(quantization_in("QwQ-32B.gguf"), "");
}

TEST_F(StoreTest, FindsOwnModelsByWholeAndShortNames) {
  write("own/Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf");
  const auto q4 = write("own/Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q4_K_M.gguf");
  const Store store(folders_);
  for (const std::string name : {"Qwen/Qwen3-0.6B-GGUF:Q4_K_M", "qwen/qwen3-0.6b-gguf:q4_k_m",
                                 "hf.co/Qwen/Qwen3-0.6B-GGUF", "qwen3-0.6b", "Qwen/Qwen3-0.6B"}) {
    const auto model = store.find(name);
    ASSERT_TRUE(model) << name;
    EXPECT_EQ(model->path, q4.string()) << name;
  }
  EXPECT_EQ(store.find("qwen3-0.6b:q8_0")->name, "Qwen/Qwen3-0.6B-GGUF:Q8_0");
  const auto missing = store.find("qwen3-8b");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message().find("ondol pull qwen3-8b"), std::string::npos);
}

TEST_F(StoreTest, AnUnclearShortNameIsRefused) {
  write("own/a/model-GGUF/model-Q8_0.gguf");
  write("own/b/model-GGUF/model-Q8_0.gguf");
  EXPECT_FALSE(Store(folders_).find("model"));
  EXPECT_TRUE(Store(folders_).find("b/model"));
}

TEST_F(StoreTest, SplitModelsAreOneEntry) {
  write("own/o/r/m-Q4_0-00001-of-00002.gguf", "12345");
  write("own/o/r/m-Q4_0-00002-of-00002.gguf", "678");
  const auto models = Store(folders_).list();
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].size_bytes, 8u);
  ASSERT_TRUE(Store(folders_).remove("o/r"));
  EXPECT_FALSE(fs::exists(root_ / "own/o"));
}

TEST_F(StoreTest, UsesOthersFilesInPlaceAndNeverRemovesThem) {
  const auto blob = write("hf/models--org--repo/blobs/abc", "weights");
  const fs::path snapshot = root_ / "hf/models--org--repo/snapshots/123";
  fs::create_directories(snapshot);
  fs::create_symlink(blob, snapshot / "m-Q8_0.gguf");
  write("hf/models--org--repo/refs/main", "123");
  const auto ollama_blob = write("ollama/blobs/sha256-ff", "weights");
  write("ollama/manifests/registry.ollama.ai/library/llama3.2/3b",
        R"({"layers": [{"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:aa"},
                       {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:ff"}]})");
  const Store store(folders_);
  EXPECT_EQ(store.find("org/repo:Q8_0")->path, (snapshot / "m-Q8_0.gguf").string());
  EXPECT_EQ(store.find("llama3.2:3b")->path, ollama_blob.string());
  EXPECT_FALSE(store.remove("org/repo"));
  EXPECT_FALSE(store.remove("llama3.2:3b"));
  EXPECT_TRUE(fs::exists(blob));
  EXPECT_TRUE(fs::exists(ollama_blob));
}

TEST_F(StoreTest, DamagedManifestsAreSkipped) {
  write("ollama/manifests/registry.ollama.ai/library/m/t", "{not json");
  write("ollama/manifests/registry.ollama.ai/library/m/u",
        R"({"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "../../etc/passwd"}]})");
  EXPECT_TRUE(Store(folders_).list().empty());
}

}  // namespace
}  // namespace ondol
