// Reading and checking claims.
#include "retrieve/answer/check.h"

#include <gtest/gtest.h>

#include "retrieve/answer/answer_grammar.h"
#include "retrieve/answer/facts.h"
#include "retrieve/answer/follow_up.h"
#include "retrieve/answer/question_words.h"
#include "retrieve/sentences.h"
#include "text/grammar/matcher.h"

namespace ondol {
namespace {

Passage passage(const std::string& path, const std::string& text, double score = 1) {
  Passage passage;
  passage.hit.path = path;
  passage.hit.text = text;
  passage.hit.start = 100;
  passage.hit.end = 100 + text.size();
  passage.hit.score = score;
  passage.sentences = sentences_of(text);
  return passage;
}

TEST(GeneratedClaims, MarkersOfAllKinds) {
  const auto claims = read_claims(
      "- First one. [1]\nSecond [2 \"with a \"quote\" in it\"]. Third [1, 3][4]\n[2] Fourth. Still fourth.\n"
      "Broken [2 \"no end\nLetters [a] and [99999999999999999999]\n[1]\n");
  ASSERT_EQ(claims.size(), 6u);
  EXPECT_EQ(claims[0].text, "First one.");
  EXPECT_EQ(claims[0].citations.at(0).passage, 1u);
  EXPECT_EQ(claims[1].text, "Second.");
  EXPECT_EQ(claims[1].citations.at(0).quote, "with a \"quote\" in it");
  EXPECT_EQ(claims[2].citations.size(), 3u);
  EXPECT_EQ(claims[3].text, "Fourth. Still fourth.");
  EXPECT_EQ(claims[3].citations.at(0).passage, 2u);
  EXPECT_TRUE(claims[4].citations.empty());
  EXPECT_EQ(claims[5].citations.at(0).passage, 1'000'000u) << "a number that no passage has";
}

struct Case {
  const char* claim;
  const char* evidence;
  bool supported;
};

TEST(Support, FactsMustAgree) {
  const Case cases[] = {
      {"The warranty lasts two years.", "The warranty of the heater lasts two years.", true},
      {"The warranty lasts 2 years.", "The warranty of the heater lasts two years.", true},
      {"The warranty lasts 3 years.", "The warranty of the heater lasts two years.", false},
      {"The piano costs 2300 crowns.", "The choir buys a piano, which costs 2,300 crowns.", true},
      {"Bob Miller founded the shop.", "The shop was founded by Bob Miller in 1989.", true},
      {"In 1989 Alice Miller founded the shop.", "The shop was founded by Bob Miller in 1989.", false},
      {"It was Alice who founded the shop.", "The shop was founded by Bob Miller in 1989.", false},
      {"The heater is waterproof.", "The heater is not waterproof.", false},
      {"The heater is not waterproof.", "The heater is waterproof.", false},
      {"The heater is not waterproof.", "The heater is not waterproof.", true},
      {"The heater is light.", "The heater is light, but it is not waterproof.", true},
      {"보증 기간은 2년입니다.", "난로의 보증 기간은 구입한 날부터 2년이다.", true},
      {"보증 기간은 3년입니다.", "난로의 보증 기간은 구입한 날부터 2년이다.", false},
      {"물에 의한 고장은 보증합니다.", "물에 의한 고장은 보증하지 않는다.", false},
      {"The moon is made of cheese.", "The warranty of the heater lasts two years.", false},
      {"Years.", "The warranty of the heater lasts two years.", false},
      {"", "The warranty of the heater lasts two years.", false}};
  SupportMeter meter;
  for (const Case& c : cases) {
    EXPECT_EQ(meter.support(c.claim, {c.evidence, ""}) >= kLeastSupport, c.supported) << c.claim << " / " << c.evidence;
  }
}

TEST(Support, NumbersAndNames) {
  EXPECT_EQ(number_values("1,200.50 and 007 and three years, v2.0"), (std::set<std::string>{"1200.5", "7", "3", "2"}));
  EXPECT_EQ(numbers_of("2 years 50% 2년")[0].unit, "year");
  EXPECT_EQ(numbers_of("2 years 50% 2년")[1].unit, "%");
  EXPECT_EQ(numbers_of("2 years 50% 2년")[2].unit, "년");
  EXPECT_EQ(names_of("The old Miller's house in Berlin"), (std::vector<std::string>{"miller's", "berlin"}));
  EXPECT_TRUE(numbers_of("").empty());
}

TEST(ClaimChecker, CitesTheSourcesOwnBytes) {
  const std::vector<Passage> passages = {
      passage("a", "Nothing here.\nThe heater is\nguaranteed for two years. It is grey."),
      passage("b", "The shop opens at nine.")};
  ClaimChecker checker(passages);
  const auto claim = checker.check({"The heater is guaranteed for two years.", {{1, "guaranteed for two years"}}, {}});
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->citations.at(0).path, "a");
  EXPECT_EQ(claim->citations.at(0).quote, "guaranteed for two years");
  EXPECT_EQ(claim->citations.at(0).start, 128u);
  const auto sentence = checker.check({"The heater is guaranteed for two years.", {{1, ""}}, {}});
  EXPECT_EQ(sentence->citations.at(0).quote, "The heater is\nguaranteed for two years.");
  EXPECT_TRUE(checker.check({"The heater is guaranteed for two years.", {{2, "guaranteed for two years"}}, {}}))
      << "the quotation stands in another passage";
  EXPECT_TRUE(checker.check({"The heater is guaranteed for two years.", {{99, ""}}, {}}));
  EXPECT_FALSE(checker.check({"The heater is guaranteed for ten years.", {{1, "guaranteed for two years"}}, {}}));
  EXPECT_FALSE(
      checker.check({"The shop \"never closes at all\" and opens at nine.", {{2, ""}}, {"never closes at all"}}));
}

TEST(ClaimChecker, CountsIndependentSourcesAndDisagreement) {
  std::vector<Passage> passages = {passage("a", "The warranty of the heater lasts two years."),
                                   passage("b", "The warranty of this heater lasts two years in all countries."),
                                   passage("c", "The warranty of the heater lasts three years here.")};
  for (size_t i = 0; i < passages.size(); ++i) passages[i].source = static_cast<int>(i);
  ClaimChecker checker(passages);
  const auto claim = checker.check({"The warranty of the heater lasts two years.", {{1, ""}}, {}});
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->n_sources, 2);
  ASSERT_EQ(claim->disagreeing.size(), 1u);
  EXPECT_EQ(claim->disagreeing[0].path, "c");
  passages[1].source = 0;
  EXPECT_EQ(ClaimChecker(passages).check({"The warranty of the heater lasts two years.", {{1, ""}}, {}})->n_sources, 1)
      << "copies are one source";
}

Hit hit(const std::string& path, double score, const std::string& text) {
  Hit hit;
  hit.path = path;
  hit.score = score;
  hit.text = text;
  return hit;
}

TEST(Passages, OneLoudSourceDoesNotFillTheAnswer) {
  std::vector<Hit> hits;
  for (int i = 0; i < 10; ++i)
    hits.push_back(hit("loud", 10 - 0.1 * i,
                       "Loud text with number " + std::to_string(i * 37) + " and word" + std::to_string(i) + "."));
  hits.push_back(hit("quiet", 6, "A quiet text of its own."));
  hits.push_back(hit("other", 5, "Another source altogether."));
  hits.push_back(hit("far", 1, "Hardly fits."));
  const auto passages = choose_passages(hits, 6);
  ASSERT_EQ(passages.size(), 6u);
  std::map<std::string, int> counts;
  for (const Passage& p : passages) ++counts[p.hit.path];
  EXPECT_EQ(counts["quiet"], 1);
  EXPECT_EQ(counts["other"], 1);
  EXPECT_EQ(counts["loud"], 4) << "the rest is filled by it, as nothing else fits";
  EXPECT_EQ(choose_passages({hits.begin(), hits.begin() + 10}, 6).size(), 6u) << "alone it may";
  const auto copies = choose_passages({hit("a", 2, "The same text twice."), hit("b", 1, "The same text twice.")}, 6);
  ASSERT_EQ(copies.size(), 2u);
  EXPECT_EQ(copies[0].source, copies[1].source);
}

TEST(Passages, FitTheContext) {
  std::vector<Passage> passages = {passage("a", "One two three. Four five six."),
                                   passage("b", "Seven. Eight nine ten.")};
  const TokenCounter words = [](std::string_view text) {
    return 1 + static_cast<int64_t>(std::count(text.begin(), text.end(), ' '));
  };
  auto fitted = passages;
  fit_passages(fitted, 100, words);
  EXPECT_EQ(fitted.size(), 2u);
  fit_passages(fitted, 8 + 3, words);
  ASSERT_EQ(fitted.size(), 2u);
  EXPECT_EQ(fitted[1].hit.text, "Seven.");
  fit_passages(fitted, 5, words);
  ASSERT_EQ(fitted.size(), 1u);
  EXPECT_EQ(fitted[0].hit.text, "One two three.");
  EXPECT_EQ(fitted[0].hit.end, 100 + fitted[0].hit.text.size());
}

bool matches(const GrammarPtr& grammar, std::string_view text) {
  grammar::Matcher matcher(grammar);
  grammar::ConfigId config = matcher.start();
  for (const char c : text) config = matcher.step(config, static_cast<uint8_t>(c));
  return config != grammar::Matcher::kDead && matcher.may_end(config);
}

TEST(AnswerGrammar, CitesOnlyWhatIsThere) {
  const std::vector<Passage> passages = {passage("a", "The heater is\nguaranteed for two years. It is grey and light."),
                                         passage("b", "온돌은 방바닥을 데우는 난방 방식이다.")};
  const GrammarPtr grammar = answer_grammar(passages, "The documents do not say.").value();
  EXPECT_TRUE(matches(grammar, "The documents do not say."));
  EXPECT_TRUE(matches(grammar, "It lasts two years. [1 \"guaranteed for two years.\"]"));
  EXPECT_TRUE(
      matches(grammar, "It lasts. [1 \"The heater is guaranteed for two years.\"]\nSo. [2 \"방바닥을 데우는 난방\"]"));
  EXPECT_FALSE(matches(grammar, "It lasts two years. [1 \"guaranteed for ten years\"]"));
  EXPECT_FALSE(matches(grammar, "It lasts two years. [2 \"guaranteed for two years\"]"));
  EXPECT_FALSE(matches(grammar, "It lasts two years. [3 \"guaranteed for two years\"]"));
  EXPECT_FALSE(matches(grammar, "It lasts two years. [1 \"years. It is\"]")) << "across sentences";
  EXPECT_FALSE(matches(grammar, "It lasts two years."));
  EXPECT_FALSE(matches(grammar, "The documents do not say. [1 \"It is grey\"]\nx"));
  EXPECT_TRUE(matches(answer_grammar({}, "No.").value(), "No."));
}

TEST(FollowUp, PointsBack) {
  for (const char* question :
       {"And in Korea?", "How old is it?", "what about water damage?", "그럼 물은?", "그것은 어디에 있나요?", "왜?"}) {
    EXPECT_TRUE(points_back(question)) << question;
  }
  for (const char* question : {"How long is the warranty of the heater H200?", "한빛도서관은 언제 문을 열었나요?"}) {
    EXPECT_FALSE(points_back(question)) << question;
  }
  const AnsweredQuestion history[] = {{"Who is Ada Lovelace?", "She wrote programs."}};
  EXPECT_TRUE(is_sane_rewriting("Where was Ada Lovelace born?", "Where was she born?", history));
  EXPECT_FALSE(is_sane_rewriting("Sure! Here is a poem about the sea.", "Where was she born?", history));
  EXPECT_FALSE(is_sane_rewriting("", "Where was she born?", history));
  EXPECT_EQ(without_question_words("보증 기간이 얼마야?"), "보증 기간이 ");
  EXPECT_EQ(without_question_words("언제?"), "언제?");
}

}  // namespace
}  // namespace ondol
