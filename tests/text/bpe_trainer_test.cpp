#include "text/bpe_trainer.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "text/byte_level.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"
#include "text/tokenizer_json_writer.h"

namespace ondol {
namespace {

const std::string kFolder = ONDOL_SOURCE_DIR "/tests/golden/train/";

TokenizerSpec train(const std::vector<std::string>& texts, BpeTrainerOptions options, int n_threads = 2) {
  ThreadPool pool(n_threads);
  auto trainer = BpeTrainer::create(options, pool);
  EXPECT_TRUE(trainer) << trainer.error().message();
  trainer->add(texts);
  auto spec = trainer->train();
  EXPECT_TRUE(spec) << spec.error().message();
  return std::move(*spec);
}

json::value golden() {
  return parse_json(*read_file(kFolder + "bpe_trainer.json")).value();
}

// The library `tokenizers` learns the same merges from the same text, and encodes likewise.
TEST(BpeTrainer, LearnsWhatTokenizersLearns) {
  const std::string corpus = *read_file(kFolder + "bpe_corpus.txt");
  const json::value goldens = golden();
  for (const json::value& entry : goldens.at("cases").as_array()) {
    BpeTrainerOptions options;
    options.vocabulary_size = static_cast<int>(entry.at("vocabulary_size").as_int64()) + 3;
    options.pre_tokenizer = string_or(entry, "pre_tokenizer", "");
    SCOPED_TRACE(options.pre_tokenizer);
    const TokenizerSpec spec = train({corpus}, options);
    const json::array& merges = entry.at("merges").as_array();
    ASSERT_EQ(spec.merges.size(), merges.size());
    for (size_t i = 0; i < merges.size(); ++i) {
      ASSERT_EQ(spec.merges[i].left, merges[i].at(0).as_string()) << i;
      ASSERT_EQ(spec.merges[i].right, merges[i].at(1).as_string()) << i;
    }
    const auto written = write_tokenizer_json(spec);
    ASSERT_TRUE(written) << written.error().message();
    auto read = read_tokenizer_json(*written);
    ASSERT_TRUE(read) << read.error().message();
    const auto tokenizer = Tokenizer::create(std::move(*read));
    ASSERT_TRUE(tokenizer) << tokenizer.error().message();
    const json::array& texts = goldens.at("texts").as_array();
    for (size_t i = 0; i < texts.size(); ++i) {
      std::vector<TokenId> expected;
      for (const json::value& id : entry.at("ids").as_array()[i].as_array()) {
        expected.push_back(static_cast<TokenId>(id.as_int64()));
      }
      EXPECT_EQ((*tokenizer)->encode(texts[i].as_string(), false, SpecialTokens::kAsPlainText), expected) << texts[i];
    }
  }
}

TEST(BpeTrainer, DependsNeitherOnThreadsNorOnOrder) {
  const std::string corpus = *read_file(kFolder + "bpe_corpus.txt");
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < corpus.size();) {
    const size_t end = corpus.find('\n', begin);
    lines.push_back(corpus.substr(begin, end - begin));
    begin = end + 1;
  }
  BpeTrainerOptions options;
  options.vocabulary_size = 500;
  const std::string one = *write_tokenizer_json(train(lines, options, 1));
  EXPECT_EQ(one, *write_tokenizer_json(train(lines, options, 3)));
  std::reverse(lines.begin(), lines.end());
  EXPECT_EQ(one, *write_tokenizer_json(train(lines, options, 2)));
}

TEST(BpeTrainer, HasTheSpecialTokensOfItsTemplate) {
  BpeTrainerOptions options;
  options.vocabulary_size = 300;
  const TokenizerSpec spec = train({"the cat the cat the cat"}, options);
  const auto tokenizer = *Tokenizer::create(spec);
  const auto ids = tokenizer->encode("<|im_start|>the cat<|im_end|>", false, SpecialTokens::kParse);
  ASSERT_GE(ids.size(), 3u);
  EXPECT_EQ(tokenizer->token_text(ids.front()), "<|im_start|>");
  EXPECT_EQ(ids.back(), tokenizer->eos());
  EXPECT_TRUE(tokenizer->ends_generation(tokenizer->eos()));
  EXPECT_EQ(tokenizer->decode(ids), "the cat");
  for (const std::string& special : options.special_tokens) {
    EXPECT_NE(chatml_template().find(special) != std::string_view::npos, special == "<|endoftext|>") << special;
  }
}

// Any bytes can be written, also those that no text of the training had.
TEST(BpeTrainer, EncodesEveryText) {
  BpeTrainerOptions options;
  options.vocabulary_size = 300;
  const auto tokenizer = *Tokenizer::create(train({"only ascii was here, only ascii"}, options));
  const std::string text = "\uC628\uB3CC \u6F22\u5B57 \U0001F525 \u00E9\t\r\n";
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(text, false, SpecialTokens::kAsPlainText)), text);
}

TEST(BpeTrainer, StopsWherePairsAreTooRare) {
  BpeTrainerOptions options;
  options.vocabulary_size = 1000;
  options.min_count = 3;
  const TokenizerSpec spec = train({"ab ab ab cd cd"}, options);
  for (const TokenMerge& merge : spec.merges) EXPECT_NE(merge.left + merge.right, "cd");
  EXPECT_LT(spec.vocabulary.size(), 270u);
  EXPECT_GE(spec.merges.size(), 1u);
}

TEST(BpeTrainer, RefusesWhatCannotBe) {
  ThreadPool pool(1);
  BpeTrainerOptions options;
  options.vocabulary_size = 258;
  EXPECT_FALSE(BpeTrainer::create(options, pool));
  options = {};
  options.special_tokens = {"<|im_end|>", "<|im_end|>"};
  EXPECT_FALSE(BpeTrainer::create(options, pool));
  options = {};
  options.eos = "</s>";
  EXPECT_FALSE(BpeTrainer::create(options, pool));
  options = {};
  options.pre_tokenizer = "gemma4";
  EXPECT_FALSE(BpeTrainer::create(options, pool));
  options.pre_tokenizer = "nonsense";
  EXPECT_FALSE(BpeTrainer::create(options, pool));
}

}  // namespace
}  // namespace ondol
