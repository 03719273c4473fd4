#include "train/data/text_stream.h"

#include <set>

#include "tests/train/small_tokenizer.h"
#include "tests/train/temporary_folder.h"

namespace ondol::train {
namespace {

std::string digits(int n) {
  std::string text;
  for (int i = 0; i < n; ++i) text += std::to_string(i) + " ";
  return text;
}

class TextStreamTest : public testing::Test {
 protected:
  std::unique_ptr<TextStream> open(double fraction, uint64_t seed = 0) {
    auto stream = TextStream::open({{path_}, {}, fraction, 20, seed}, *tokenizer_);
    EXPECT_TRUE(stream.has_value()) << stream.error().message();
    return std::move(*stream);
  }

  TemporaryFolder folder_;
  std::shared_ptr<const Tokenizer> tokenizer_ = small_tokenizer({"<end>"}, "<end>");
  std::string path_ = folder_.write("a.txt", digits(300));
};

TEST_F(TextStreamTest, WindowsAreRunsOfTheText) {
  std::vector<TokenId> all = tokenizer_->encode(digits(300), false, SpecialTokens::kAsPlainText);
  all.push_back(tokenizer_->eos());
  const auto stream = open(0);
  EXPECT_EQ(stream->n_validation_sequences(), 0u);
  EXPECT_EQ(stream->sequences_in_epoch(), (all.size() - 1) / 20);
  const auto sequences = stream->next(200);
  ASSERT_TRUE(sequences.has_value());
  std::set<std::vector<int32_t>> different;
  for (const PackedSequence& sequence : *sequences) {
    ASSERT_EQ(sequence.segments.size(), 1u);
    const std::vector<int32_t>& tokens = sequence.segments[0].tokens;
    ASSERT_EQ(tokens.size(), 21u);
    EXPECT_EQ(sequence.n_targets(), 20u);
    EXPECT_NE(std::search(all.begin(), all.end(), tokens.begin(), tokens.end()), all.end());
    different.insert(tokens);
  }
  EXPECT_GT(different.size(), 100u);
}

TEST_F(TextStreamTest, EveryTokenOfTheEndIsPredictedOnceInValidation) {
  const auto whole = open(0);
  const auto stream = open(0.25);
  const uint64_t n = stream->statistics().n_validation_tokens;
  EXPECT_NEAR(static_cast<double>(n), 0.25 * static_cast<double>(whole->statistics().n_tokens), 1.0);
  size_t n_targets = 0;
  for (uint64_t i = 0; i < stream->n_validation_sequences(); ++i) {
    n_targets += stream->validation_sequence(i).value().n_targets();
  }
  EXPECT_EQ(n_targets, n - 1);
}

TEST_F(TextStreamTest, GoesOnWhereItWas) {
  const auto first = open(0);
  first->next(5).value();
  const DataPosition position = first->position();
  const auto expected = first->next(3).value();
  const auto second = open(0);
  ASSERT_TRUE(second->seek(position).has_value());
  const auto got = second->next(3).value();
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(got[i].segments[0].tokens, expected[i].segments[0].tokens);
  EXPECT_FALSE(open(0, 1)->seek(position).has_value());
}

TEST_F(TextStreamTest, SaysWhatIsWrong) {
  const auto stream = TextStream::open({{folder_.write("b.txt", "short")}, {}, 0, 20, 0}, *tokenizer_);
  ASSERT_FALSE(stream.has_value());
  EXPECT_NE(stream.error().message().find("expected more than 20 tokens"), std::string::npos);
  EXPECT_TRUE(TextStream::takes({path_}).value());
  EXPECT_FALSE(TextStream::takes({path_, folder_.write("c.jsonl", "{}")}).value());
}

}  // namespace
}  // namespace ondol::train
