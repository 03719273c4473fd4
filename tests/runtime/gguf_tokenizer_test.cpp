// Tokenizers of GGUF files against the vectors that llama.cpp publishes with its vocabularies, which are themselves
// what the models' original tokenizers give.
#include "runtime/gguf_tokenizer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "base/files.h"

namespace ondol {
namespace {

std::vector<std::string> split_inputs(const std::string& text) {
  constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
  std::vector<std::string> inputs;
  size_t begin = 0;
  for (size_t at = text.find(kSeparator); at != std::string::npos; at = text.find(kSeparator, begin)) {
    inputs.push_back(text.substr(begin, at - begin));
    begin = at + kSeparator.size();
  }
  return inputs;
}

std::vector<std::vector<TokenId>> split_outputs(const std::string& text) {
  std::vector<std::vector<TokenId>> outputs;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    outputs.emplace_back();
    for (TokenId id = 0; numbers >> id;) outputs.back().push_back(id);
  }
  return outputs;
}

class GgufTokenizerVectors : public ::testing::TestWithParam<const char*> {};

TEST_P(GgufTokenizerVectors, MatchesPublishedIds) {
  const std::string base = std::string(ONDOL_SHARED_DATA "/tokenizers/gguf-vocab/ggml-vocab-") + GetParam() + ".gguf";
  if (!std::filesystem::exists(base)) GTEST_SKIP() << base << " is absent";
  const auto file = open_gguf(base);
  ASSERT_TRUE(file) << file.error().message();
  const auto tokenizer = load_gguf_tokenizer(**file);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  const std::vector<std::string> inputs = split_inputs(*read_file(base + ".inp"));
  const std::vector<std::vector<TokenId>> outputs = split_outputs(*read_file(base + ".out"));
  ASSERT_GT(inputs.size(), 30u);
  ASSERT_LE(inputs.size(), outputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ((*tokenizer)->encode(inputs[i], false, SpecialTokens::kAsPlainText), outputs[i])
        << '[' << inputs[i] << ']';
    EXPECT_EQ((*tokenizer)->encode(inputs[i], false, SpecialTokens::kParse), outputs[i]) << '[' << inputs[i] << ']';
    if (std::string_view(GetParam()) != "bert-bge") {
      EXPECT_EQ((*tokenizer)->decode(outputs[i]), inputs[i]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, GgufTokenizerVectors,
                         ::testing::Values("gpt-2", "llama-spm", "phi-3", "deepseek-llm", "mpt", "bert-bge"));

}  // namespace
}  // namespace ondol
