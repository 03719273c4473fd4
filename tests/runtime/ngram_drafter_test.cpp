#include "runtime/ngram_drafter.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace ondol {
namespace {

using Tokens = std::vector<TokenId>;

NgramDrafter after(const Tokens& text) {
  NgramDrafter drafter;
  for (const TokenId token : text) drafter.accept(token);
  return drafter;
}

TEST(NgramDrafter, GuessesWhatFollowedLastTime) {
  const Draft draft = after({5, 1, 2, 3, 4, 9, 8, 1, 2}).guess(3);
  EXPECT_EQ(draft.tokens, Tokens({3, 4, 9}));
  EXPECT_EQ(draft.match, 2);
}

TEST(NgramDrafter, HasNoGuessForWhatIsNew) {
  EXPECT_TRUE(after({}).guess(4).tokens.empty());
  EXPECT_TRUE(after({1}).guess(4).tokens.empty());
  EXPECT_TRUE(after({1, 2}).guess(4).tokens.empty());
  EXPECT_TRUE(after({1, 2, 3, 4, 2, 5, 3}).guess(4).tokens.empty());  // single tokens came before, no two in a row
}

TEST(NgramDrafter, TheLongerRunWinsOverTheLaterOne) {
  // 3 4 was followed by 7 last, but 1 2 3 4 by 5.
  const Draft draft = after({1, 2, 3, 4, 5, 6, 3, 4, 7, 1, 2, 3, 4}).guess(2);
  EXPECT_EQ(draft.tokens, Tokens({5, 6}));
  EXPECT_EQ(draft.match, 4);
}

TEST(NgramDrafter, TheLaterOfEquallyLongRunsWins) {
  EXPECT_EQ(after({1, 2, 3, 1, 2, 4, 1, 2}).guess(1).tokens, Tokens({4}));
}

TEST(NgramDrafter, ARepetitionGoesOn) {
  const Draft draft = after({1, 2, 3, 1, 2, 3, 1, 2, 3}).guess(7);
  EXPECT_EQ(draft.tokens, Tokens({1, 2, 3, 1, 2, 3, 1}));
  EXPECT_EQ(draft.match, 6);
  EXPECT_EQ(after(Tokens(100, 7)).guess(5).tokens, Tokens(5, 7));
  EXPECT_EQ(after(Tokens(100, 7)).guess(5).match, NgramDrafter::kLongestMatch);
}

/// The last place where a run of the lengths that the drafter looks up ended as the text does, by plain search.
size_t search(const Tokens& text, size_t run) {
  for (size_t end = text.size() - 1; end >= run; --end) {
    if (std::equal(text.end() - static_cast<long>(run), text.end(), text.begin() + static_cast<long>(end - run))) {
      return end;
    }
  }
  return 0;
}

TEST(NgramDrafter, AgreesWithPlainSearchOnALongText) {
  Random random(3);
  Tokens text;
  NgramDrafter drafter;
  int n_guesses = 0;
  int n_other = 0;
  for (int i = 0; i < 6000; ++i) {
    text.push_back(static_cast<TokenId>(random.next() % 40));
    drafter.accept(text.back());
    const Draft draft = drafter.guess(1);
    size_t follower = 0;
    for (const size_t run : {8, 4, 2}) {
      if (follower == 0 && text.size() > run) follower = search(text, run);
    }
    // A run may have lost its slot to another, which is rare; then a shorter one, or none, speaks.
    if (follower == 0) {
      ASSERT_TRUE(draft.tokens.empty());
    } else {
      ++n_guesses;
      n_other += draft.tokens.empty() || draft.tokens[0] != text[follower] ? 1 : 0;
    }
  }
  EXPECT_GT(n_guesses, 3000);
  EXPECT_LT(n_other, n_guesses / 2);
}

}  // namespace
}  // namespace ondol
