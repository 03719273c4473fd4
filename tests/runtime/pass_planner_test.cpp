#include "runtime/pass_planner.h"

#include <numeric>

#include <gtest/gtest.h>

namespace ondol {
namespace {

using Wishes = std::vector<PassPlanner::Wish>;

int sum(const std::vector<int>& rows) {
  return std::accumulate(rows.begin(), rows.end(), 0);
}

TEST(PassPlanner, PromptsTakeTheWholePassWhileNothingIsGenerated) {
  PassPlanner planner(512, 400);
  EXPECT_EQ(planner.plan(Wishes{{"a", 1000, false}}), std::vector<int>{400});
  EXPECT_EQ(planner.plan(Wishes{{"a", 100, false}, {"a", 1000, false}}), (std::vector<int>{100, 300}));
}

TEST(PassPlanner, EveryGeneratedTextGetsItsRow) {
  PassPlanner planner(512, 512);
  const auto rows = planner.plan(Wishes{{"a", 1, true}, {"a", 1000, false}, {"b", 1, true}, {"b", 3, true}});
  EXPECT_EQ(rows, (std::vector<int>{1, PassPlanner::kLeastRows, 1, 3}));
}

TEST(PassPlanner, ClientsShareAPassAndTheirOwnTextsWait) {
  PassPlanner planner(512, 96);
  const Wishes wishes = {{"a", 1000, false}, {"a", 1000, false}, {"b", 20, false}, {"c", 1000, false}};
  const auto first = planner.plan(wishes);
  EXPECT_EQ(first[1], 0);
  EXPECT_EQ(first[2], 20);
  EXPECT_GE(first[0], 32);
  EXPECT_GE(first[3], 32);
  EXPECT_EQ(sum(first), 96);
}

TEST(PassPlanner, TurnsGoOnFromPassToPass) {
  PassPlanner planner(64, 32);  // one turn's rows
  const Wishes wishes = {{"a", 1000, false}, {"b", 1000, false}, {"c", 1000, false}};
  std::vector<int> total(3, 0);
  for (int pass = 0; pass < 9; ++pass) {
    const auto rows = planner.plan(wishes);
    for (size_t i = 0; i < 3; ++i) total[i] += rows[i];
  }
  EXPECT_EQ(total, (std::vector<int>{96, 96, 96}));
}

TEST(PassPlanner, APassNeverExceedsItsRows) {
  PassPlanner planner(4, 512);
  EXPECT_EQ(planner.plan(Wishes{{"a", 1, true}, {"a", 1, true}, {"a", 9, false}}), (std::vector<int>{1, 1, 2}));
  EXPECT_EQ(planner.plan(Wishes{{"a", 1, true}, {"a", 8, true}, {"a", 9, false}}), (std::vector<int>{1, 3, 0}));
}

TEST(PassPlanner, PromptsGetWhatLengthensAPassToThreeTimes) {
  PassPlanner planner(1024, 512);
  EXPECT_EQ(planner.prompt_rows(true), PassPlanner::kLeastRows);
  for (int i = 0; i < 30; ++i) {
    planner.saw_pass(4, 0, 0.100);
    planner.saw_pass(4, 100, 0.100 + 100 * 0.001);
  }
  EXPECT_NEAR(planner.prompt_rows(true), 200, 2);
  EXPECT_EQ(planner.prompt_rows(false), 512);
  for (int i = 0; i < 60; ++i) planner.saw_pass(0, 500, 500 * 0.01);
  EXPECT_EQ(planner.prompt_rows(true), PassPlanner::kLeastRows);
  for (int i = 0; i < 60; ++i) planner.saw_pass(4, 100, 0.100);
  EXPECT_EQ(planner.prompt_rows(true), 512);
}

}  // namespace
}  // namespace ondol
