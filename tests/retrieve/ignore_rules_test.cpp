// .gitignore as git reads it; the expectations are what `git check-ignore` says.
#include "retrieve/ignore_rules.h"

#include <gtest/gtest.h>

namespace ondol {
namespace {

bool leaves_out(std::string_view lines, std::string_view path, bool is_folder = false) {
  IgnoreRules rules;
  rules.add(lines, "");
  return rules.leaves_out(path, is_folder);
}

TEST(IgnoreRules, NamesFitAnywhereAndPathsFromTheFolder) {
  EXPECT_TRUE(leaves_out("*.o\n", "a/b/c.o"));
  EXPECT_FALSE(leaves_out("*.o\n", "a/b/c.ob"));
  EXPECT_TRUE(leaves_out("/build\n", "build", true));
  EXPECT_FALSE(leaves_out("/build\n", "a/build", true));
  EXPECT_TRUE(leaves_out("doc/*.txt\n", "doc/a.txt"));
  EXPECT_FALSE(leaves_out("doc/*.txt\n", "doc/b/a.txt"));
  EXPECT_FALSE(leaves_out("doc/*.txt\n", "x/doc/a.txt"));
}

TEST(IgnoreRules, TwoStarsPassFolders) {
  EXPECT_TRUE(leaves_out("**/logs\n", "logs", true));
  EXPECT_TRUE(leaves_out("**/logs\n", "a/b/logs", true));
  EXPECT_TRUE(leaves_out("a/**/z\n", "a/z"));
  EXPECT_TRUE(leaves_out("a/**/z\n", "a/b/c/z"));
  EXPECT_FALSE(leaves_out("a/**/z\n", "ab/z"));
  EXPECT_TRUE(leaves_out("a/**\n", "a/b/c"));
}

TEST(IgnoreRules, TheLastRuleThatFitsCounts) {
  EXPECT_FALSE(leaves_out("*.log\n!keep.log\n", "keep.log"));
  EXPECT_TRUE(leaves_out("!keep.log\n*.log\n", "keep.log"));
}

TEST(IgnoreRules, FoldersOnly) {
  EXPECT_TRUE(leaves_out("out/\n", "out", true));
  EXPECT_FALSE(leaves_out("out/\n", "out", false));
}

TEST(IgnoreRules, SetsCommentsAndEscapes) {
  EXPECT_TRUE(leaves_out("[a-c]?.txt\n", "bx.txt"));
  EXPECT_FALSE(leaves_out("[!a-c]?.txt\n", "bx.txt"));
  EXPECT_FALSE(leaves_out("# *.txt\n", "a.txt"));
  EXPECT_TRUE(leaves_out("\\#a\n", "#a"));
  EXPECT_TRUE(leaves_out("a.txt  \r\n", "a.txt"));
  EXPECT_FALSE(leaves_out("[\n", "a"));
}

TEST(IgnoreRules, RulesOfAFolderHoldBelowIt) {
  IgnoreRules rules;
  rules.add("/secret\n*.tmp\n", "notes");
  EXPECT_TRUE(rules.leaves_out("notes/secret", false));
  EXPECT_TRUE(rules.leaves_out("notes/deep/x.tmp", false));
  EXPECT_FALSE(rules.leaves_out("secret", false));
  EXPECT_FALSE(rules.leaves_out("notes2/x.tmp", false));
}

TEST(IgnoreRules, HostilePatternsTakeNoTime) {
  const std::string stars(2000, '*');
  EXPECT_FALSE(fits_pattern(std::string(2000, 'a'), "a*a*a*a*a*a*a*a*a*a*a*a*a*b"));
  EXPECT_TRUE(fits_pattern(std::string(2000, 'a'), stars));
}

}  // namespace
}  // namespace ondol
