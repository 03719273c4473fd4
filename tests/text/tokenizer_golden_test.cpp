// Tokenizers of every kind against what the libraries `tokenizers` and `sentencepiece` give
// (tools/make_tokenizer_goldens.py).
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "text/sentencepiece.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"

namespace ondol {
namespace {

const std::string kFolder = ONDOL_SOURCE_DIR "/tests/golden/tokenizers/";

json::value read_json(const std::string& path) {
  auto text = read_file(path);
  EXPECT_TRUE(text) << path;
  if (!text) return {};
  auto value = parse_json(*text);
  EXPECT_TRUE(value) << path << ": " << value.error().message();
  return value ? *value : json::value();
}

std::vector<std::string> texts() {
  std::vector<std::string> out;
  const json::value list = read_json(kFolder + "texts.json");
  for (const json::value& text : list.as_array()) out.emplace_back(text.get_string());
  return out;
}

std::vector<TokenId> ids_of(const json::value& list) {
  std::vector<TokenId> ids;
  for (const json::value& id : list.as_array()) ids.push_back(static_cast<TokenId>(id.as_int64()));
  return ids;
}

std::string stream(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  StreamDecoder decoder(tokenizer);
  std::string out;
  for (const TokenId id : ids) out += decoder.push(id);
  return out + decoder.finish();
}

class HuggingFaceGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(HuggingFaceGolden, IdsAndTextsMatch) {
  const std::string base = kFolder + GetParam();
  const auto file = read_file(base + ".tokenizer.json");
  ASSERT_TRUE(file);
  auto spec = read_tokenizer_json(*file);
  ASSERT_TRUE(spec) << spec.error().message();
  const auto tokenizer = Tokenizer::create(std::move(*spec));
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  const json::value expected = read_json(base + ".expected.json");
  const std::vector<std::string> inputs = texts();
  ASSERT_EQ(inputs.size(), expected.as_array().size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const json::array& want = expected.as_array()[i].as_array();
    const std::vector<TokenId> ids = (*tokenizer)->encode(inputs[i], true, SpecialTokens::kParse);
    EXPECT_EQ(ids, ids_of(want[0])) << '[' << inputs[i] << ']';
    const std::vector<TokenId> plain = (*tokenizer)->encode(inputs[i], false, SpecialTokens::kAsPlainText);
    // null: the library's Unigram makes control tokens of plain text, which ours must never do.
    if (!want[1].is_null()) {
      EXPECT_EQ(plain, ids_of(want[1])) << "[" << inputs[i] << "]";
    }
    for (const TokenId id : plain) EXPECT_FALSE((*tokenizer)->is_control(id)) << '[' << inputs[i] << ']';
    EXPECT_EQ((*tokenizer)->decode(ids), std::string(want[2].as_string())) << '[' << inputs[i] << ']';
  }
}

INSTANTIATE_TEST_SUITE_P(All, HuggingFaceGolden,
                         ::testing::Values("gpt2", "llama3", "qwen2", "qwen35", "o200k", "tekken", "deepseek3", "kimi",
                                           "roberta", "falcon", "bloom", "clip", "llama-characters",
                                           "mistral-characters", "gemma-characters", "bert", "bert-cased", "t5",
                                           "unigram-nfkc", "words"));

class SentencePieceGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(SentencePieceGolden, IdsAndTextsMatch) {
  const std::string base = kFolder + GetParam();
  const auto file = read_file(base + ".tokenizer.model");
  ASSERT_TRUE(file);
  auto spec = read_sentencepiece(*file);
  ASSERT_TRUE(spec) << spec.error().message();
  const auto tokenizer = Tokenizer::create(std::move(*spec));
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  const json::value expected = read_json(base + ".expected.json");
  const std::vector<std::string> inputs = texts();
  ASSERT_EQ(inputs.size(), expected.as_array().size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const json::array& want = expected.as_array()[i].as_array();
    const std::vector<TokenId> ids = (*tokenizer)->encode(inputs[i], false, SpecialTokens::kAsPlainText);
    EXPECT_EQ(ids, ids_of(want[0])) << '[' << inputs[i] << ']';
    EXPECT_EQ((*tokenizer)->decode(ids), std::string(want[1].as_string())) << '[' << inputs[i] << ']';
    EXPECT_EQ(stream(**tokenizer, ids), (*tokenizer)->decode(ids));
  }
}

INSTANTIATE_TEST_SUITE_P(All, SentencePieceGolden,
                         ::testing::Values("spm-bpe", "spm-bpe-plain", "spm-unigram", "spm-unigram-bytes"));

}  // namespace
}  // namespace ondol
