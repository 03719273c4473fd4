#include "runtime/ngram_drafter.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace ondol {
namespace {

using Tokens = std::vector<TokenId>;

constexpr GuessKind k2 = GuessKind::kAfterRunOf2;
constexpr GuessKind k4 = GuessKind::kAfterRunOf4;
constexpr GuessKind k8 = GuessKind::kAfterRunOf8;
constexpr GuessKind k16 = GuessKind::kAfterRunOf16;

using Guesses = std::vector<Guess>;

Guesses guess_after(const Tokens& text, int n) {
  NgramDrafter drafter;
  drafter.begin(text);
  return drafter.guess(n);
}

TEST(NgramDrafter, GuessesWhatFollowedLastTime) {
  EXPECT_EQ(guess_after({5, 1, 2, 3, 4, 9, 8, 1, 2}, 3), Guesses({{3, k2}, {4, k2}, {9, k4}}));
}

TEST(NgramDrafter, HasNoGuessForWhatIsNew) {
  EXPECT_TRUE(guess_after({}, 4).empty());
  EXPECT_TRUE(guess_after({1}, 4).empty());
  EXPECT_TRUE(guess_after({1, 2}, 4).empty());
  EXPECT_TRUE(guess_after({1, 2, 3, 4, 2, 5, 3}, 4).empty());  // single tokens came before, no two in a row
}

TEST(NgramDrafter, TheLongerRunWinsOverTheLaterOne) {
  // 3 4 was followed by 7 last, but 1 2 3 4 by 5.
  EXPECT_EQ(guess_after({1, 2, 3, 4, 5, 6, 3, 4, 7, 1, 2, 3, 4}, 2), Guesses({{5, k4}, {6, k4}}));
}

TEST(NgramDrafter, TheLaterOfEquallyLongRunsWins) {
  EXPECT_EQ(guess_after({1, 2, 3, 1, 2, 4, 1, 2}, 1), Guesses({{4, k2}}));
}

TEST(NgramDrafter, ARepetitionGoesOn) {
  EXPECT_EQ(guess_after({1, 2, 3, 1, 2, 3, 1, 2, 3}, 7),
            Guesses({{1, k4}, {2, k4}, {3, k8}, {1, k8}, {2, k8}, {3, k8}, {1, k8}}));
  EXPECT_EQ(guess_after(Tokens(100, 7), 5), Guesses(5, {7, k16}));
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
    const Guesses guesses = drafter.guess(1);
    size_t follower = 0;
    for (const size_t run : {8, 4, 2}) {
      if (follower == 0 && text.size() > run) follower = search(text, run);
    }
    // A run may have lost its slot to another, which is rare; then a shorter one, or none, speaks.
    if (follower == 0) {
      ASSERT_TRUE(guesses.empty());
    } else {
      ++n_guesses;
      n_other += guesses.empty() || guesses[0].token != text[follower] ? 1 : 0;
    }
  }
  EXPECT_GT(n_guesses, 3000);
  EXPECT_LT(n_other, n_guesses / 2);
}

TEST(NgramDrafter, ANewTextForgetsTheOld) {
  NgramDrafter drafter;
  drafter.begin(Tokens(100, 7));
  drafter.begin(Tokens{1, 7, 7});
  EXPECT_TRUE(drafter.guess(1).empty());
}

}  // namespace
}  // namespace ondol
