// What a text is for the lexical index.
#include "retrieve/terms.h"

#include <gtest/gtest.h>

namespace ondol {
namespace {

using Strings = std::vector<std::string>;

Strings terms_of(std::string_view text) {
  Strings terms;
  TermReader reader;
  reader.read(text, [&](const Term& term) {
    EXPECT_LT(term.start, term.end);
    EXPECT_LE(term.end, text.size());
    terms.emplace_back(term.text);
  });
  return terms;
}

TEST(Terms, WordsAreReducedToTheirStems) {
  EXPECT_EQ(terms_of("Running runners ran; the RUNS of a run_time"),
            (Strings{"run", "runner", "ran", "run", "run", "time"}));
  EXPECT_EQ(terms_of("H2O 3.14 x86"), (Strings{"h2o", "3", "14", "x86"}));
}

TEST(Terms, AccentsAndWidthDoNotMatter) {
  EXPECT_EQ(terms_of("\u00D6sterreich"), terms_of("osterreich"));
  EXPECT_EQ(terms_of("caf\u00E9"), terms_of("cafe\u0301"));
  EXPECT_EQ(terms_of("\uFF21\uFF22\uFF23"), (Strings{"abc"}));
}

TEST(Terms, HangulIsReadInPairsWithTheFirstSyllable) {
  EXPECT_EQ(terms_of("\uACB0\uC81C\uAC00"), (Strings{"\uACB0", "\uACB0\uC81C", "\uC81C\uAC00"}));
  EXPECT_EQ(terms_of("\uCC45"), (Strings{"\uCC45"}));
  // Decomposed, as file names from some systems are.
  EXPECT_EQ(terms_of("\u1100\u1167\u11AF\u110C\u1166"), (Strings{"\uACB0", "\uACB0\uC81C"}));
}

TEST(Terms, HanAndKanaAreReadInPairsToo) {
  EXPECT_EQ(terms_of("\u6771\u4EAC\u90FD"), (Strings{"\u6771", "\u6771\u4EAC", "\u4EAC\u90FD"}));
  EXPECT_EQ(terms_of("\u30C6\u30B9\u30C8"), (Strings{"\u30C6", "\u30C6\u30B9", "\u30B9\u30C8"}));
}

TEST(Terms, ScriptsPartAWord) {
  EXPECT_EQ(terms_of("GPU\uB97C 3\uAC1C"), (Strings{"gpu", "\uB97C", "3", "\uAC1C"}));
}

TEST(Terms, PlacesAreThoseOfTheText) {
  const std::string text = "Say \uACB0\uC81C now";
  TermReader reader;
  std::vector<std::string> seen;
  reader.read(text, [&](const Term& term) { seen.push_back(text.substr(term.start, term.end - term.start)); });
  EXPECT_EQ(seen, (Strings{"Say", "\uACB0", "\uACB0\uC81C", "now"}));
}

TEST(Terms, AnyBytesAreRead) {
  EXPECT_EQ(terms_of("\xFF\xFE ok \xC3"), (Strings{"ok"}));
  EXPECT_EQ(terms_of(std::string(1000, 'a')).front().size(), 64u);
  EXPECT_TRUE(terms_of("").empty());
}

}  // namespace
}  // namespace ondol
