#include "hub/repository.h"

#include <gtest/gtest.h>

namespace ondol {
namespace {

Repository repository_of(const std::vector<std::string>& paths) {
  Repository repository{"org/model-GGUF", "abc", {}};
  for (const std::string& path : paths) repository.files.push_back({path, 10, ""});
  return repository;
}

std::string chosen(const std::vector<std::string>& paths, const std::string& tag = "") {
  const auto files = choose_files(repository_of(paths), tag);
  if (!files) return files.error().message();
  std::string names;
  for (const HubFile& file : *files) names += (names.empty() ? "" : " ") + file.path;
  return names;
}

TEST(HubName, IsReadInAllItsForms) {
  for (const std::string text :
       {"Qwen/Qwen3-4B-GGUF:Q8_0", "hf.co/Qwen/Qwen3-4B-GGUF:Q8_0", "https://huggingface.co/Qwen/Qwen3-4B-GGUF:Q8_0",
        "huggingface.co/Qwen/Qwen3-4B-GGUF:Q8_0"}) {
    const auto name = HubName::parse(text);
    ASSERT_TRUE(name) << text;
    EXPECT_EQ(name->repository, "Qwen/Qwen3-4B-GGUF") << text;
    EXPECT_EQ(name->tag, "Q8_0") << text;
    EXPECT_EQ(name->revision, "main");
  }
  EXPECT_EQ(HubName::parse("a/b@v1.0:x.gguf")->revision, "v1.0");
  EXPECT_EQ(HubName::parse("qwen3-4b")->repository, "qwen3-4b");
  for (const std::string text :
       {"", "/", "/b", "a/b/c", "a/../b", "../a", "a/b:", "a/b:../c", "a b/c", "a/b@", "a/b?x", "a\nb/c"}) {
    EXPECT_FALSE(HubName::parse(text)) << text;
  }
}

TEST(ChooseFiles, PrefersQ4KMAndThenTheNearest) {
  EXPECT_EQ(chosen({"m-Q8_0.gguf", "m-Q4_K_M.gguf", "m-Q5_K_M.gguf", "README.md"}), "m-Q4_K_M.gguf");
  EXPECT_EQ(chosen({"m-Q8_0.gguf", "m-Q2_K.gguf", "m-Q5_K_M.gguf"}), "m-Q5_K_M.gguf");
  EXPECT_EQ(chosen({"m-F16.gguf", "m-Q8_0.gguf"}), "m-Q8_0.gguf");
  EXPECT_EQ(chosen({"m-UD-Q4_K_M.gguf", "m-Q4_K_M.gguf"}), "m-Q4_K_M.gguf");
  EXPECT_EQ(chosen({"only.gguf"}), "only.gguf");
  EXPECT_EQ(chosen({"mmproj-F16.gguf", "m.imatrix.gguf", "m-Q6_K.gguf"}), "m-Q6_K.gguf");
}

TEST(ChooseFiles, TakesWhatTheTagNames) {
  const std::vector<std::string> files = {"m-Q4_K_M.gguf", "m-Q8_0.gguf", "m-UD-Q4_K_XL.gguf", "sub/m-IQ4_XS.gguf"};
  EXPECT_EQ(chosen(files, "q8_0"), "m-Q8_0.gguf");
  EXPECT_EQ(chosen(files, "UD-Q4_K_XL"), "m-UD-Q4_K_XL.gguf");
  EXPECT_EQ(chosen(files, "m-Q8_0.gguf"), "m-Q8_0.gguf");
  EXPECT_EQ(chosen(files, "iq4_xs"), "sub/m-IQ4_XS.gguf");
  EXPECT_EQ(chosen(files, "Q5_K_M"),
            "org/model-GGUF: there is no 'Q5_K_M' in this repository; expected one of: IQ4_XS, Q4_K_M, Q4_K_XL, Q8_0");
}

TEST(ChooseFiles, TakesAllPartsOfASplitFile) {
  EXPECT_EQ(chosen({"Q4_K_M/m-Q4_K_M-00002-of-00002.gguf", "Q4_K_M/m-Q4_K_M-00001-of-00002.gguf", "m-Q8_0.gguf"}),
            "Q4_K_M/m-Q4_K_M-00001-of-00002.gguf Q4_K_M/m-Q4_K_M-00002-of-00002.gguf");
  EXPECT_EQ(chosen({"m-Q4_K_M-00001-of-00003.gguf", "m-Q4_K_M-00003-of-00003.gguf"}),
            "org/model-GGUF: 'm-Q4_K_M' should have 3 parts, got 2");
}

TEST(ChooseFiles, WithoutGgufTakesTheFolder) {
  EXPECT_EQ(
      chosen({".gitattributes", "README.md", "config.json", "generation_config.json",
              "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json",
              "consolidated.safetensors", "tokenizer.json", "tokenizer_config.json", "merges.txt",
              "original/model.safetensors", "pytorch_model.bin", "figure.png"}),
      "config.json generation_config.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors "
      "model.safetensors.index.json "
      "tokenizer.json tokenizer_config.json merges.txt");
  EXPECT_NE(chosen({"README.md", "pytorch_model.bin"}).find("has neither"), std::string::npos);
  EXPECT_NE(chosen({"config.json", "model.safetensors"}, "Q4_K_M").find("no GGUF files"), std::string::npos);
}

TEST(ParseRepository, ReadsSizesAndSums) {
  const std::string sum(64, 'a');
  const auto repository =
      parse_repository(R"({"id": "org/m", "sha": "0123abc", "siblings": [{"rfilename": "a/m.gguf", "size": 123,
      "lfs": {"sha256": ")" +
                       sum + R"(", "size": 123}}, {"rfilename": "config.json", "size": 5}]})");
  ASSERT_TRUE(repository) << repository.error().message();
  EXPECT_EQ(repository->name, "org/m");
  EXPECT_EQ(repository->revision, "0123abc");
  ASSERT_EQ(repository->files.size(), 2u);
  EXPECT_EQ(repository->files[0].path, "a/m.gguf");
  EXPECT_EQ(repository->files[0].size, 123u);
  EXPECT_EQ(repository->files[0].sha256, sum);
  EXPECT_EQ(repository->files[1].sha256, "");
}

TEST(ParseRepository, RefusesNamesThatLeaveTheFolder) {
  for (const std::string path : {"../x.gguf", "/etc/passwd", "a/../../b.gguf", "a//b", "a\\\\..\\\\b", "", ".", "a/./b",
                                 "x\\u0000.gguf", "C:x.gguf"}) {
    EXPECT_FALSE(parse_repository(R"({"id": "o/m", "sha": "1", "siblings": [{"rfilename": ")" + path + R"("}]})"))
        << path;
  }
  for (const std::string text : {"", "[]", "{}", R"({"id": "../x", "siblings": []})",
                                 R"({"id": "a/b/c", "siblings": []})", R"({"id": "a/b", "siblings": 5})"}) {
    EXPECT_FALSE(parse_repository(text)) << text;
  }
}

}  // namespace
}  // namespace ondol
