// Tokenizers written as tokenizer.json and as GGUF vocabularies still give the ids of the goldens.
#include <algorithm>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "text/gguf_vocabulary_writer.h"
#include "text/sentencepiece.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"
#include "text/tokenizer_json_writer.h"

namespace ondol {
namespace {

const std::string kFolder = ONDOL_SOURCE_DIR "/tests/golden/tokenizers/";

json::value golden_json(const std::string& name) {
  const auto text = read_file(kFolder + name);
  EXPECT_TRUE(text) << name;
  return parse_json(*text).value();
}

TokenizerSpec spec_of(const std::string& name) {
  const auto text = read_file(kFolder + name);
  EXPECT_TRUE(text) << name;
  auto spec = name.ends_with(".model") ? read_sentencepiece(*text) : read_tokenizer_json(*text);
  EXPECT_TRUE(spec) << spec.error().message();
  return std::move(*spec);
}

/// Texts of the goldens for which `spec` does not give the expected ids. Those of tokenizer.json are with special
/// tokens around and parsed; those of SentencePiece are of plain text.
std::vector<std::string> differing_texts(TokenizerSpec spec, const std::string& name) {
  const auto tokenizer = Tokenizer::create(std::move(spec));
  EXPECT_TRUE(tokenizer) << tokenizer.error().message();
  const bool plain = name.ends_with(".model");
  const json::value texts = golden_json("texts.json");
  const json::value expected = golden_json(name.substr(0, name.find(".tokenizer")) + ".expected.json");
  std::vector<std::string> differing;
  for (size_t i = 0; i < texts.as_array().size(); ++i) {
    const std::string text(texts.as_array()[i].as_string());
    std::vector<TokenId> want;
    for (const json::value& id : expected.as_array()[i].as_array()[0].as_array()) {
      want.push_back(static_cast<TokenId>(id.as_int64()));
    }
    const auto got = (*tokenizer)->encode(text, !plain, plain ? SpecialTokens::kAsPlainText : SpecialTokens::kParse);
    if (got != want) differing.push_back(text);
  }
  return differing;
}

/// Texts, by a part of them, of which a form cannot say what tokenizers of these names make.
struct Beyond {
  std::string_view tokenizer;
  std::string_view part;
};
constexpr Beyond kBeyondJson[] = {{"spm-", "<tool>"},  // pieces that are kept whole take the space before them
                                  {"spm-", "\uC628\uB3CC"},
                                  {"spm-unigram", "\u2581\u2581"}};
constexpr Beyond kBeyondGguf[] = {{"", "<|end|>"},  // takes the whitespace after it
                                  {"llama-characters", "<tool>"},
                                  {"spm-", "<tool>"},
                                  {"spm-", "\uC628\uB3CC"},
                                  {"bert", "xxxxxxxx"},  // longer than a word may be
                                  {"bert", "abababab"}};

template <size_t n>
bool is_beyond(const Beyond (&list)[n], const std::string& name, const std::string& text) {
  return std::any_of(list, list + n, [&](const Beyond& beyond) {
    return name.starts_with(beyond.tokenizer) && text.find(beyond.part) != std::string::npos;
  });
}

class WrittenJson : public ::testing::TestWithParam<const char*> {};

TEST_P(WrittenJson, GivesTheSameIds) {
  const std::string name = GetParam();
  const auto text = write_tokenizer_json(spec_of(name));
  ASSERT_TRUE(text) << text.error().message();
  auto spec = read_tokenizer_json(*text);
  ASSERT_TRUE(spec) << spec.error().message();
  for (const std::string& differing : differing_texts(std::move(*spec), name)) {
    EXPECT_TRUE(is_beyond(kBeyondJson, name, differing)) << '[' << differing << ']';
  }
}

INSTANTIATE_TEST_SUITE_P(All, WrittenJson,
                         ::testing::Values("gpt2.tokenizer.json", "llama3.tokenizer.json", "qwen2.tokenizer.json",
                                           "qwen35.tokenizer.json", "o200k.tokenizer.json", "tekken.tokenizer.json",
                                           "deepseek3.tokenizer.json", "kimi.tokenizer.json", "roberta.tokenizer.json",
                                           "falcon.tokenizer.json", "bloom.tokenizer.json", "clip.tokenizer.json",
                                           "llama-characters.tokenizer.json", "mistral-characters.tokenizer.json",
                                           "gemma-characters.tokenizer.json", "bert.tokenizer.json",
                                           "bert-cased.tokenizer.json", "t5.tokenizer.json",
                                           "unigram-nfkc.tokenizer.json", "words.tokenizer.json",
                                           "spm-bpe.tokenizer.model", "spm-bpe-plain.tokenizer.model",
                                           "spm-unigram.tokenizer.model", "spm-unigram-bytes.tokenizer.model"));

TEST(TokenizerJsonWriter, KeepsUserDefinedPiecesWhole) {
  const auto text = write_tokenizer_json(spec_of("spm-bpe.tokenizer.model"));
  ASSERT_TRUE(text) << text.error().message();
  const auto tokenizer = Tokenizer::create(read_tokenizer_json(*text).value());
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  const TokenId tool = (*tokenizer)->find("<tool>");
  const auto ids = (*tokenizer)->encode("a<tool>b", false, SpecialTokens::kParse);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), tool), 1);
}

class WrittenGguf : public ::testing::TestWithParam<const char*> {};

TEST_P(WrittenGguf, GivesTheSameIds) {
  const std::string name = GetParam();
  const TokenizerSpec spec = spec_of(name);
  auto written = make_gguf_vocabulary(spec, static_cast<int64_t>(spec.vocabulary.size()) + 7);
  ASSERT_TRUE(written) << written.error().message();
  EXPECT_EQ(written->vocabulary.tokens.size(), spec.vocabulary.size() + 7);
  auto back = make_tokenizer_spec(std::move(written->vocabulary));
  ASSERT_TRUE(back) << back.error().message();
  for (const std::string& differing : differing_texts(std::move(*back), name)) {
    EXPECT_TRUE(is_beyond(kBeyondGguf, name, differing)) << '[' << differing << ']';
  }
}

INSTANTIATE_TEST_SUITE_P(All, WrittenGguf,
                         ::testing::Values("gpt2.tokenizer.json", "llama3.tokenizer.json", "qwen2.tokenizer.json",
                                           "qwen35.tokenizer.json", "o200k.tokenizer.json", "tekken.tokenizer.json",
                                           "deepseek3.tokenizer.json", "kimi.tokenizer.json",
                                           "llama-characters.tokenizer.json", "gemma-characters.tokenizer.json",
                                           "bert.tokenizer.json", "bert-cased.tokenizer.json",
                                           "spm-bpe.tokenizer.model", "spm-unigram.tokenizer.model"));

TEST(PreTokenizerName, IsFoundByHowTextIsCut) {
  const std::pair<const char*, const char*> kExpected[] = {
      {"gpt2", "gpt-2"},   {"llama3", "llama-bpe"}, {"qwen2", "qwen2"},           {"qwen35", "qwen35"},
      {"o200k", "gpt-4o"}, {"tekken", "tekken"},    {"deepseek3", "deepseek-v3"}, {"kimi", "kimi-k2"}};
  for (const auto& [file, name] : kExpected) {
    std::vector<std::string> notes;
    const auto found = pre_tokenizer_name(spec_of(std::string(file) + ".tokenizer.json"), notes);
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(*found, name);
    EXPECT_EQ(notes, std::vector<std::string>()) << file;
  }
}

TEST(PreTokenizerName, SaysWhenNoneFits) {
  TokenizerSpec spec = spec_of("gpt2.tokenizer.json");
  PreTokenizerStep step;
  step.pattern = "[aeiou]";
  step.is_regex = true;
  spec.pre_tokenizer.insert(spec.pre_tokenizer.begin(), step);
  std::vector<std::string> notes;
  ASSERT_TRUE(pre_tokenizer_name(spec, notes));
  EXPECT_EQ(notes.size(), 1u);
}

TEST(GgufVocabularyWriter, RefusesMoreTokensThanRows) {
  EXPECT_FALSE(make_gguf_vocabulary(spec_of("gpt2.tokenizer.json"), 10));
}

}  // namespace
}  // namespace ondol
