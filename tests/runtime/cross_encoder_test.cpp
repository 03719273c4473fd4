// Pairs of texts are put together as the models were trained, and scored alone as among others; late interaction is
// the mean of the best cosines of tokens.
#include "runtime/cross_encoder.h"

#include <cmath>

#include "runtime/late_interaction.h"
#include "tests/formats/temporary_folder.h"
#include "tests/runtime/scorer_sample.h"
#include "text/tokenizer_spec.h"

namespace ondol {
namespace {

class CrossEncoder : public TemporaryFolder {
 protected:
  std::unique_ptr<Engine> open(bool pairs, int batch_rows = 512) {
    write_scorer_sample(path("scorer.gguf"), pairs);
    EngineOptions options;
    options.batch_rows = batch_rows;
    return Engine::open(path("scorer.gguf"), options).value();
  }
};

using Ids = std::vector<TokenId>;

TEST_F(CrossEncoder, PutsMarksAndTypesAsBertDoes) {
  const auto engine = open(true);
  const Tokenizer& tokenizer = engine->tokenizer();
  const TokenId a = tokenizer.find(
                    "\xe2\x96\x81"
                    "a"),
                b = tokenizer.find(
                    "\xe2\x96\x81"
                    "b");
  const TokenPair pair = token_pair(tokenizer, "a a", "b a b", 64).value();
  EXPECT_EQ(pair.tokens, (Ids{2, a, a, 3, b, a, b, 3}));
  EXPECT_EQ(pair.types, (Ids{0, 0, 0, 0, 1, 1, 1, 1}));
  const TokenPair cut = token_pair(tokenizer, "a a", "b a b b b b", 8).value();
  EXPECT_EQ(cut.tokens, (Ids{2, a, a, 3, b, a, b, 3})) << "the text loses its end";
  const TokenPair long_question = token_pair(tokenizer, "a a a a a a a a a a", "b b b b b", 8).value();
  EXPECT_EQ(long_question.tokens, (Ids{2, a, a, 3, b, b, b, 3}));
  EXPECT_EQ(long_question.types.size(), long_question.tokens.size());
}

TEST_F(CrossEncoder, PutsMarksAsRobertaDoes) {
  TokenizerSpec spec;
  spec.algorithm = TokenAlgorithm::kWordPiece;
  for (const char* text : {"<s>", "<pad>", "</s>", "<unk>", "a", "b"}) {
    spec.vocabulary.push_back({text, 0, text[0] == '<' ? TokenType::kControl : TokenType::kNormal, true});
  }
  PreTokenizerStep words;
  words.kind = PreTokenizerStep::Kind::kWhitespaceSplit;
  spec.pre_tokenizer = {words};
  spec.unk = 3;
  spec.prefix = {0};
  spec.suffix = {2};
  const auto tokenizer = Tokenizer::create(std::move(spec)).value();
  const TokenPair pair = token_pair(*tokenizer, "a", "b b", 64).value();
  EXPECT_EQ(pair.tokens, (Ids{0, 4, 2, 2, 5, 5, 2}));
  EXPECT_EQ(pair.types, Ids(7, 0));
}

TEST_F(CrossEncoder, ATextScoresAmongOthersAsAlone) {
  const std::vector<std::string> texts = {"rain falls", "a dog sleeps in the sun", "", "kings and queens of old"};
  const auto small = open(true, 40), large = open(true);
  ASSERT_TRUE(scores_pairs(*large));
  const std::vector<float> together = score_texts(*large, "what does the dog do", texts).value();
  EXPECT_EQ(score_texts(*small, "what does the dog do", texts).value(), together) << "in several passes";
  ASSERT_EQ(together.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto alone = score_texts(*large, "what does the dog do", std::span(&texts[i], 1)).value();
    EXPECT_NEAR(alone[0], together[i], 1e-5) << texts[i];
    EXPECT_TRUE(std::isfinite(together[i]));
  }
  EXPECT_NE(together[0], together[1]);
  EXPECT_NE(score_texts(*large, "something else", texts).value()[0], together[0]) << "the question counts";
  const std::string endless(5000, 'x');
  EXPECT_TRUE(score_texts(*large, endless, std::span(&endless, 1))) << "is cut to the context";
}

TEST_F(CrossEncoder, ModelsWithoutAHeadAreRefused) {
  const auto engine = open(false);
  EXPECT_FALSE(scores_pairs(*engine));
  const std::string text = "a";
  const auto scored = score_texts(*engine, "a", std::span(&text, 1));
  ASSERT_FALSE(scored);
  EXPECT_NE(scored.error().message().find("cross-encoder"), std::string::npos);
}

TEST_F(CrossEncoder, LateInteractionFindsTheSameTokens) {
  const auto engine = open(false);
  const std::vector<std::string> texts = {"the dog", "quite another text", "the dog"};
  const std::vector<float> scores = match_texts(*engine, "the dog", texts).value();
  ASSERT_EQ(scores.size(), 3u);
  EXPECT_NEAR(scores[0], 1, 1e-4) << "each token of the question is there";
  EXPECT_NEAR(scores[2], 1, 1e-4);
  EXPECT_LT(scores[1], 0.999);
  EXPECT_GE(scores[1], -1);
  const std::string endless(5000, 'x');
  EXPECT_TRUE(match_texts(*engine, "the dog", std::span(&endless, 1))) << "is cut to the context";
}

}  // namespace
}  // namespace ondol
