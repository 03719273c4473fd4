#include "runtime/draft_policy.h"

#include <cmath>

#include <gtest/gtest.h>

namespace ondol {
namespace {

/// A policy that has seen passes on a machine where another row adds `share` of the first.
DraftPolicy with_passes(double share) {
  DraftPolicy policy;
  for (int i = 0; i < 4; ++i) {
    for (int rows = 1; rows <= 8; ++rows) policy.saw_pass(rows, 0.03 * (1 + share * (rows - 1)));
  }
  return policy;
}

constexpr GuessKind kPoor = GuessKind::kAfterRunOf2;
constexpr GuessKind kGood = GuessKind::kAfterRunOf16;
constexpr GuessKind kRepetitions[] = {GuessKind::kAfterRunOf2, GuessKind::kAfterRunOf4, GuessKind::kAfterRunOf8,
                                      GuessKind::kAfterRunOf16};

/// n guesses, of which the share `right` is right, spread evenly.
void see(DraftPolicy& policy, GuessKind kind, double right, int n) {
  for (int i = 0; i < n; ++i) policy.saw_guess(kind, std::floor((i + 1) * right) > std::floor(i * right));
}

std::vector<Guess> guesses(GuessKind kind, size_t n) {
  return std::vector<Guess>(n, {1, kind});
}

int chosen(const DraftPolicy& policy, GuessKind kind, size_t most = 7) {
  return policy.choose(guesses(kind, most)).n;
}

TEST(DraftPolicy, MeasuresPlainPassesFirst) {
  DraftPolicy policy;
  EXPECT_EQ(chosen(policy, kGood), 0);
  policy.saw_pass(1, 0.5);
  EXPECT_EQ(chosen(policy, kGood), 0);
  policy.saw_pass(1, 0.03);
  EXPECT_GT(chosen(policy, kGood), 0);
}

TEST(DraftPolicy, DraftsMoreWhereGuessesAreRight) {
  DraftPolicy policy = with_passes(0.15);
  see(policy, kGood, 0.98, 100);
  see(policy, kPoor, 0.3, 100);
  EXPECT_GE(chosen(policy, kGood), 5);
  EXPECT_GE(chosen(policy, kPoor), 1);
  EXPECT_LE(chosen(policy, kPoor), 3);
  EXPECT_EQ(chosen(policy, kGood, 2), 2);
  EXPECT_EQ(chosen(policy, kGood, 0), 0);
}

TEST(DraftPolicy, StopsWhereGuessesAreWrongAndStartsAgainWhenTheyAreRight) {
  DraftPolicy policy = with_passes(0.15);
  for (const GuessKind kind : kRepetitions) see(policy, kind, 0.0, 100);
  for (const GuessKind kind : kRepetitions) EXPECT_EQ(chosen(policy, kind), 0);
  see(policy, kGood, 1.0, 30);
  EXPECT_GT(chosen(policy, kGood), 0);
  EXPECT_EQ(chosen(policy, kPoor), 0);
}

TEST(DraftPolicy, DoesNotDraftWhereRowsAreDear) {
  DraftPolicy policy = with_passes(0.95);  // each row reads weights of its own, as with many experts
  see(policy, kGood, 0.6, 100);
  EXPECT_EQ(chosen(policy, kGood), 0);
}

TEST(DraftPolicy, APassThatWasHeldUpIsForgotten) {
  DraftPolicy policy = with_passes(0.15);
  for (const GuessKind kind : kRepetitions) see(policy, kind, 0.9, 100);
  for (int rows = 2; rows <= 8; ++rows) {
    policy.saw_pass(rows, 60.0);
  }
  EXPECT_GT(chosen(policy, kGood), 0);  // once is an accident
  for (int rows = 2; rows <= 8; ++rows) {
    for (int i = 0; i < 20; ++i) policy.saw_pass(rows, 60.0);
  }
  EXPECT_EQ(chosen(policy, kGood), 0);
  for (int i = 0; i < 1000; ++i) policy.saw_pass(1, 0.03);
  EXPECT_GT(chosen(policy, kGood), 0);
}

TEST(DraftPolicy, PlainPassesAreMeasuredAgainNowAndThen) {
  DraftPolicy policy = with_passes(0.1);
  see(policy, kGood, 1.0, 50);
  policy.saw_pass(1, 0.03);
  int n = 0;
  while (chosen(policy, kGood) > 0 && n < 1000) {
    policy.saw_pass(8, 0.05);
    ++n;
  }
  EXPECT_GT(n, 30);
  EXPECT_LT(n, 200);
  policy.saw_pass(1, 0.03);
  EXPECT_GT(chosen(policy, kGood), 0);
}

TEST(DraftPolicy, GainIsTokensPerPlainPass) {
  DraftPolicy policy = with_passes(0.0);
  see(policy, kGood, 1.0, 1000);
  EXPECT_NEAR(policy.choose(guesses(kGood, 3)).gain, 4.0, 0.5);
  EXPECT_EQ(policy.choose({}).gain, 1.0);
  EXPECT_NEAR(policy.choose(guesses(kGood, 3), 0.03).gain, 2.0, 0.25);  // a plain pass's time was spent on them
  EXPECT_NEAR(policy.choose({}, 0.03).gain, 0.5, 1e-6);
}

TEST(DraftPolicy, GuessesThatWereDearToMakeAreEvaluatedWhereTheyPayFromThere) {
  DraftPolicy policy = with_passes(0.2);
  see(policy, GuessKind::kLikely, 0.5, 500);
  const int free = policy.choose(guesses(GuessKind::kLikely, 7)).n;
  const int dear = policy.choose(guesses(GuessKind::kLikely, 7), 0.1).n;
  EXPECT_GT(dear, free);
}

/// How many guesses a model makes, all of a kind.
size_t n_drafted(const DraftPolicy& policy, GuessKind kind, double gain) {
  size_t n = 0;
  while (policy.another_pays(guesses(kind, n), gain)) ++n;
  return n;
}

TEST(DraftPolicy, AModelDraftsOnWhileItsTimePays) {
  const auto with_drafts = [](double cost) {
    DraftPolicy policy = with_passes(0.05);
    for (int i = 0; i < 30; ++i) policy.saw_draft(0.03 * cost);
    see(policy, GuessKind::kUnsure, 0.2, 60);
    see(policy, GuessKind::kSure, 0.95, 300);
    return policy;
  };
  const DraftPolicy cheap = with_drafts(0.05);
  const DraftPolicy dear = with_drafts(0.5);
  EXPECT_EQ(n_drafted(cheap, GuessKind::kSure, 1.0), 7u);
  EXPECT_EQ(n_drafted(cheap, GuessKind::kSure, 1.5), 7u);
  EXPECT_LE(n_drafted(cheap, GuessKind::kUnsure, 1.5), 2u);
  EXPECT_LT(n_drafted(dear, GuessKind::kSure, 1.5), n_drafted(cheap, GuessKind::kSure, 1.5));
  EXPECT_EQ(n_drafted(dear, GuessKind::kUnsure, 1.0), 1u);  // nothing was guessed yet, so on the whole it is worth one
  EXPECT_EQ(n_drafted(with_drafts(1.0), GuessKind::kSure, 1.0), 0u);
}

TEST(DraftPolicy, ADraftAsDearAsTheModelItselfIsHopeless) {
  DraftPolicy policy = with_passes(0.1);
  for (int i = 0; i < 30; ++i) policy.saw_draft(0.03);
  EXPECT_LT(policy.most_gain(), 1.02);
  for (int i = 0; i < 30; ++i) policy.saw_draft(0.003);
  EXPECT_GT(policy.most_gain(), 2.0);
}

}  // namespace
}  // namespace ondol
