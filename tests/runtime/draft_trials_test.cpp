#include "runtime/draft_trials.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace ondol {
namespace {

constexpr double kPlain = 0.03;

/// A text whose draft model always has the same success, generated with the trials' advice.
struct Generation {
  double tokens_per_round = 1;
  double draft_seconds = 0;  // per round
  double pass_seconds = kPlain;
  double most_gain = 3;
  double reading_per_token = 0;

  double seconds = 0;
  double n_tokens = 0;
  double n_unread = 0;
  int n_rounds = 0;

  void go_on(DraftTrials& trials, double n) {
    for (const double end = n_tokens + n; n_tokens < end;) {
      if (trials.is_on() && n_unread > 0) {
        const double reading = std::min(n_unread, 256.0) * reading_per_token;
        trials.saw_reading(reading);
        seconds += reading;
        n_unread = 0;
      }
      if (trials.is_on()) {
        // Whole tokens, of which so many as a round yields on average.
        const auto n_new =
            static_cast<int>(tokens_per_round * (n_rounds + 1)) - static_cast<int>(tokens_per_round * n_rounds);
        ++n_rounds;
        seconds += draft_seconds + pass_seconds;
        n_tokens += n_new;
        trials.saw_round({n_new, draft_seconds, pass_seconds}, kPlain, most_gain);
      } else {
        seconds += kPlain;
        n_tokens += 1;
        n_unread += 1;
        trials.saw_other_pass(kPlain);
      }
    }
  }
  /// Tokens in the time of a plain pass.
  double gain() const { return n_tokens * kPlain / seconds; }
};

/// Generates until the model rests.
double tokens_until_rest(Generation& text, DraftTrials& trials) {
  const double before = text.n_tokens;
  while (trials.is_on() && text.n_tokens < before + 10000) text.go_on(trials, 1);
  return text.n_tokens - before;
}

TEST(DraftTrials, AModelThatPaysGoesOn) {
  DraftTrials trials;
  Generation text{.tokens_per_round = 3.3, .draft_seconds = 0.02, .pass_seconds = 0.04};
  text.go_on(trials, 2000);
  EXPECT_NEAR(trials.gain(), 3.3 / 2, 0.05);
  EXPECT_NEAR(text.gain(), 3.3 / 2, 0.05);
  EXPECT_EQ(text.n_rounds, 607);
}

TEST(DraftTrials, AModelThatDoesNotPayCostsNearlyNothing) {
  DraftTrials trials;
  Generation text{.tokens_per_round = 1.2, .draft_seconds = 0.02, .pass_seconds = 0.04, .reading_per_token = 0.002};
  text.n_unread = 200;  // a prompt
  text.go_on(trials, 300);
  EXPECT_GT(text.n_rounds, 4);
  EXPECT_LT(text.n_rounds, 20);
  Generation later = text;
  later.seconds = later.n_tokens = 0;
  later.go_on(trials, 5000);
  EXPECT_GT(later.n_rounds, text.n_rounds);  // it is still tried
  EXPECT_GT(later.gain(), 0.985);
}

TEST(DraftTrials, AHopelessModelIsGivenUpAfterOneRound) {
  DraftTrials trials;
  Generation text{.tokens_per_round = 2, .draft_seconds = kPlain, .pass_seconds = 0.033, .most_gain = 1.0};
  text.go_on(trials, 200);
  EXPECT_EQ(text.n_rounds, 1);
}

TEST(DraftTrials, AModelThatBeginsToPayIsNoticed) {
  DraftTrials trials;
  Generation text{.tokens_per_round = 1.1, .draft_seconds = 0.01, .pass_seconds = 0.035};
  text.go_on(trials, 500);
  ASSERT_FALSE(trials.is_on());
  text.tokens_per_round = 4;
  text.go_on(trials, 4000);
  EXPECT_TRUE(trials.is_on());
  EXPECT_GT(trials.gain(), 2.0);
}

TEST(DraftTrials, AModelThatCeasesToPayRests) {
  DraftTrials trials;
  Generation text{.tokens_per_round = 4, .draft_seconds = 0.01, .pass_seconds = 0.035};
  text.go_on(trials, 1000);
  ASSERT_TRUE(trials.is_on());
  text.tokens_per_round = 1.1;
  EXPECT_LT(tokens_until_rest(text, trials), 100);
}

TEST(DraftTrials, BadLuckAtTheBeginningIsNoVerdict) {
  DraftTrials trials;
  Generation text{.tokens_per_round = 1.25, .draft_seconds = 0.005, .pass_seconds = 0.035};
  text.go_on(trials, 12);
  EXPECT_LT(trials.gain(), 1.0);
  EXPECT_TRUE(trials.is_on());
  EXPECT_LT(tokens_until_rest(text, trials), 150);
}

TEST(DraftTrials, OneRoundThatWasHeldUpChangesNothing) {
  DraftTrials trials;
  Generation text{.tokens_per_round = 3, .draft_seconds = 0.01, .pass_seconds = 0.035};
  text.go_on(trials, 300);
  trials.saw_round({3, 0.01, 20.0}, kPlain, 3);
  EXPECT_TRUE(trials.is_on());
}

}  // namespace
}  // namespace ondol
