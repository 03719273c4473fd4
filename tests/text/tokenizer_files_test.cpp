// Readers of whole files and folders: real tokenizers where the shared data are there, and files that are broken.
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "base/files.h"
#include "base/json.h"
#include "text/sentencepiece.h"
#include "text/tokenizer_folder.h"
#include "text/tokenizer_json.h"
#include "text/vocab_merges.h"

namespace ondol {
namespace {

using Ids = std::vector<TokenId>;

const std::string kGolden = ONDOL_SOURCE_DIR "/tests/golden/tokenizers/";
const std::string kShared = ONDOL_SHARED_DATA "/tokenizers/hf/";

json::value read_json(const std::string& path) {
  auto text = read_file(path);
  EXPECT_TRUE(text) << path;
  auto value = parse_json(text ? *text : "null");
  EXPECT_TRUE(value);
  return value ? *value : json::value();
}

Ids ids_of(const json::value& list) {
  Ids ids;
  for (const json::value& id : list.as_array()) ids.push_back(static_cast<TokenId>(id.as_int64()));
  return ids;
}

void expect_golden(const Tokenizer& tokenizer, const std::string& name) {
  const json::value texts = read_json(kGolden + "texts.json");
  const json::value expected = read_json(kGolden + "real-" + name + ".expected.json");
  ASSERT_EQ(texts.as_array().size(), expected.as_array().size());
  for (size_t i = 0; i < texts.as_array().size(); ++i) {
    const std::string_view text = texts.as_array()[i].as_string();
    const json::array& want = expected.as_array()[i].as_array();
    const Ids ids = tokenizer.encode(text, true, SpecialTokens::kParse);
    EXPECT_EQ(ids, ids_of(want[0])) << '[' << text << ']';
    if (!want[1].is_null()) {
      EXPECT_EQ(tokenizer.encode(text, false, SpecialTokens::kAsPlainText), ids_of(want[1])) << '[' << text << ']';
    }
    EXPECT_EQ(tokenizer.decode(ids), std::string(want[2].as_string())) << '[' << text << ']';
  }
}

class RealFolder : public ::testing::TestWithParam<const char*> {};

TEST_P(RealFolder, MatchesTheReferenceLibrary) {
  const std::string name = GetParam();
  if (!std::filesystem::exists(kShared + name)) GTEST_SKIP() << kShared + name << " is absent";
  HuggingFaceTexts texts = *read_hugging_face_texts(kShared + name);
  Result<TokenizerSpec> spec = Error("unread");
  if (name == "qwen2") {
    texts.tokenizer_config = *read_file(kShared + name + "/Qwen2.5-0.5B-Instruct.tokenizer_config.json");
    spec = read_vocab_merges(*read_file(kShared + name + "/vocab.json"), *read_file(kShared + name + "/merges.txt"),
                             texts);
  } else {
    spec = read_tokenizer_folder(kShared + name);
  }
  ASSERT_TRUE(spec) << spec.error().message();
  const auto tokenizer = Tokenizer::create(std::move(*spec));
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  expect_golden(**tokenizer, name);
}

INSTANTIATE_TEST_SUITE_P(All, RealFolder, ::testing::Values("qwen2", "phi4-mini", "mistral-v0.3", "minilm"));

TEST(RealFolders, KnowTheirSpecialTokens) {
  if (!std::filesystem::exists(kShared + "phi4-mini")) GTEST_SKIP() << kShared << " is absent";
  const auto phi = load_tokenizer_folder(kShared + "phi4-mini");
  ASSERT_TRUE(phi) << phi.error().message();
  EXPECT_EQ((*phi)->eos(), 199999);
  EXPECT_TRUE((*phi)->ends_generation(200020));  // <|end|>
  EXPECT_FALSE((*phi)->adds_bos());
  const auto mistral = load_tokenizer_folder(kShared + "mistral-v0.3");
  ASSERT_TRUE(mistral) << mistral.error().message();
  EXPECT_EQ((*mistral)->bos(), 1);
  EXPECT_EQ((*mistral)->eos(), 2);
  EXPECT_TRUE((*mistral)->adds_bos());
  EXPECT_TRUE((*mistral)->ends_generation(2));
  EXPECT_TRUE((*mistral)->is_control(1));
}

TEST(VocabMerges, QwenVectorsOfLlamaCpp) {
  const std::string vectors = ONDOL_SHARED_DATA "/tokenizers/gguf-vocab/ggml-vocab-qwen2.gguf";
  if (!std::filesystem::exists(vectors + ".inp")) GTEST_SKIP() << vectors << ".inp is absent";
  auto spec = read_vocab_merges(*read_file(kShared + "qwen2/vocab.json"), *read_file(kShared + "qwen2/merges.txt"));
  ASSERT_TRUE(spec);
  const auto tokenizer = Tokenizer::create(std::move(*spec));
  const std::string inputs = *read_file(vectors + ".inp");
  std::istringstream outputs(*read_file(vectors + ".out"));
  constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
  size_t begin = 0;
  int n_tests = 0;
  for (size_t end = inputs.find(kSeparator); end != std::string::npos; end = inputs.find(kSeparator, begin)) {
    const std::string text = inputs.substr(begin, end - begin);
    begin = end + kSeparator.size();
    std::string line;
    std::getline(outputs, line);
    std::istringstream numbers(line);
    Ids want;
    for (TokenId id = 0; numbers >> id;) want.push_back(id);
    EXPECT_EQ((*tokenizer)->encode(text, false, SpecialTokens::kParse), want) << '[' << text << ']';
    ++n_tests;
  }
  EXPECT_GT(n_tests, 30);
}

TEST(VocabMerges, ReadsSmallLists) {
  HuggingFaceTexts texts;
  texts.tokenizer_config = R"({"tokenizer_class": "GPT2Tokenizer", "add_bos_token": true, "bos_token": "<s>",
      "added_tokens_decoder": {"6": {"content": "<s>", "special": true}}})";
  texts.added_tokens = R"({"<think>": 7})";
  texts.generation_config = R"({"eos_token_id": [6, 5]})";
  const std::string vocabulary = R"({"a": 0, "b": 1, "ab": 2, "\u0120": 3, "\u0120a": 4, "c": 5})";
  auto spec = read_vocab_merges(vocabulary, "#version: 0.2\na b\n\u0120 a\r\n", texts);
  ASSERT_TRUE(spec) << spec.error().message();
  ASSERT_EQ(spec->notes.size(), 1u);
  EXPECT_NE(spec->notes[0].find("gpt-2"), std::string::npos);
  const auto tokenizer = Tokenizer::create(std::move(*spec));
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ((*tokenizer)->encode("ab ab<think>c", true, SpecialTokens::kParse), (Ids{6, 2, 3, 2, 7, 5}));
  EXPECT_EQ((*tokenizer)->decode(Ids{2, 4, 1}), "ab ab");
  EXPECT_TRUE((*tokenizer)->adds_bos());
  EXPECT_TRUE((*tokenizer)->ends_generation(5));
  EXPECT_EQ((*tokenizer)->eos(), 6);
}

TEST(VocabMerges, Errors) {
  const auto message = [](std::string_view vocabulary, std::string_view merges, std::string_view pre = "gpt-2") {
    const auto spec = read_vocab_merges(vocabulary, merges, {}, pre);
    return spec ? std::string() : spec.error().message();
  };
  EXPECT_NE(message("[]", "").find("vocab.json"), std::string::npos);
  EXPECT_NE(message(R"({"a": -1})", "").find("'a'"), std::string::npos);
  EXPECT_NE(message(R"({"a": 90000000})", "").find("90000000"), std::string::npos);
  EXPECT_NE(message(R"({"a": 0})", "ab").find("merges.txt"), std::string::npos);
  EXPECT_NE(message(R"({"a": 0})", "", "gemma4").find("gemma4"), std::string::npos);
  EXPECT_NE(message(R"({"a": 0})", "", "what").find("what"), std::string::npos);
}

TEST(BertVocabulary, OneTokenALine) {
  auto spec = read_bert_vocabulary("[PAD]\n[UNK]\n[CLS]\n[SEP]\nhello\n##s\n!\n");
  ASSERT_TRUE(spec) << spec.error().message();
  const auto tokenizer = Tokenizer::create(std::move(*spec));
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ((*tokenizer)->encode("HELLOs ! x", true, SpecialTokens::kParse), (Ids{2, 4, 5, 6, 1, 3}));
  EXPECT_EQ((*tokenizer)->decode(Ids{2, 4, 5, 6}), "hellos!");
}

TEST(TokenizerJson, Errors) {
  const auto message = [](std::string_view text) {
    const auto spec = read_tokenizer_json(text);
    return spec ? std::string() : spec.error().message();
  };
  EXPECT_NE(message("{").find("tokenizer.json"), std::string::npos);
  EXPECT_NE(message("{}").find("'model'"), std::string::npos);
  EXPECT_NE(message(R"({"model": {"type": "WordLevel", "vocab": {}}})").find("WordLevel"), std::string::npos);
  EXPECT_NE(message(R"({"model": {"type": "BPE", "vocab": {"a": 5000000}, "merges": []}})").find("5000000"),
            std::string::npos);
  EXPECT_NE(message(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a"]}})").find("entry 0"),
            std::string::npos);
  EXPECT_NE(message(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "normalizer": {"type": "Magic"}})")
                .find("normalizer: type 'Magic'"),
            std::string::npos);
  EXPECT_NE(message(R"({"model": {"type": "Unigram", "vocab": [["a", 0]], "unk_id": 3}})").find("unk_id"),
            std::string::npos);
  EXPECT_NE(message(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []},
                        "added_tokens": [{"id": 99999999, "content": "x"}]})")
                .find("99999999"),
            std::string::npos);
}

TEST(SentencePiece, BrokenFilesAreRefusedOrCutShort) {
  EXPECT_FALSE(read_sentencepiece(""));
  EXPECT_FALSE(read_sentencepiece("\x07"));
  EXPECT_FALSE(read_sentencepiece(std::string(100, '\xFF')));
  const std::string model = *read_file(kGolden + "spm-bpe.tokenizer.model");
  int n_refused = 0;
  for (size_t size = 0; size < model.size(); size += 97) n_refused += !read_sentencepiece(model.substr(0, size));
  EXPECT_GT(n_refused, 50);
}

TEST(TokenizerFolder, SaysWhatItLookedFor) {
  const auto spec = read_tokenizer_folder(ONDOL_SOURCE_DIR "/tests/text");
  ASSERT_FALSE(spec);
  EXPECT_NE(spec.error().message().find("tokenizer.json"), std::string::npos);
}

}  // namespace
}  // namespace ondol
