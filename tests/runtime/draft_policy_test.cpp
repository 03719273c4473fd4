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

/// n guesses, of which the share `right` is right, spread evenly.
void see(DraftPolicy& policy, int match, double right, int n) {
  for (int i = 0; i < n; ++i) policy.saw_guess(match, std::floor((i + 1) * right) > std::floor(i * right));
}

TEST(DraftPolicy, MeasuresPlainPassesFirst) {
  DraftPolicy policy;
  EXPECT_EQ(policy.choose(16, 7), 0);
  policy.saw_pass(1, 0.5);
  EXPECT_EQ(policy.choose(16, 7), 0);
  policy.saw_pass(1, 0.03);
  EXPECT_GT(policy.choose(16, 7), 0);
}

TEST(DraftPolicy, DraftsMoreWhereGuessesAreRight) {
  DraftPolicy policy = with_passes(0.15);
  see(policy, 16, 0.98, 100);
  see(policy, 2, 0.3, 100);
  EXPECT_GE(policy.choose(16, 7), 5);
  EXPECT_GE(policy.choose(2, 7), 1);
  EXPECT_LE(policy.choose(2, 7), 3);
  EXPECT_EQ(policy.choose(16, 2), 2);
  EXPECT_EQ(policy.choose(16, 0), 0);
}

TEST(DraftPolicy, StopsWhereGuessesAreWrongAndStartsAgainWhenTheyAreRight) {
  DraftPolicy policy = with_passes(0.15);
  for (const int match : {2, 5, 9, 16}) see(policy, match, 0.0, 100);
  for (const int match : {2, 5, 9, 16}) EXPECT_EQ(policy.choose(match, 7), 0) << match;
  see(policy, 16, 1.0, 30);
  EXPECT_GT(policy.choose(16, 7), 0);
  EXPECT_EQ(policy.choose(2, 7), 0);
}

TEST(DraftPolicy, DoesNotDraftWhereRowsAreDear) {
  DraftPolicy policy = with_passes(0.95);  // each row reads weights of its own, as with many experts
  see(policy, 16, 0.6, 100);
  EXPECT_EQ(policy.choose(16, 7), 0);
}

TEST(DraftPolicy, APassThatWasHeldUpIsForgotten) {
  DraftPolicy policy = with_passes(0.15);
  for (const int match : {2, 5, 9, 16}) see(policy, match, 0.9, 100);
  for (int rows = 2; rows <= 8; ++rows) {
    policy.saw_pass(rows, 60.0);
  }
  EXPECT_GT(policy.choose(16, 7), 0);  // once is an accident
  for (int rows = 2; rows <= 8; ++rows) {
    for (int i = 0; i < 20; ++i) policy.saw_pass(rows, 60.0);
  }
  EXPECT_EQ(policy.choose(16, 7), 0);
  for (int i = 0; i < 1000; ++i) policy.saw_pass(1, 0.03);
  EXPECT_GT(policy.choose(16, 7), 0);
}

}  // namespace
}  // namespace ondol
