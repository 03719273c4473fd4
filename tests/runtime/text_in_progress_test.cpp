// What becomes of a text, with made-up logits instead of a model.
#include "runtime/text_in_progress.h"

#include <gtest/gtest.h>

#include "runtime/token_chances.h"
#include "tests/runtime/generation.h"
#include "tests/text/grammar/vocabulary.h"

namespace ondol {
namespace {

/// Allows the tokens of one text, one after another.
class OneText final : public TokenConstraint {
 public:
  OneText(std::vector<TokenId> tokens, int vocabulary_size) : tokens_(std::move(tokens)), set_(vocabulary_size) {}

  const TokenSet* allowed() override {
    ++n_asked;
    std::fill(set_.words().begin(), set_.words().end(), 0);
    set_.insert(tokens_[n_accepted]);
    return &set_;
  }
  bool allows(TokenId token) override { return !is_finished() && token == tokens_[n_accepted]; }
  void accept(TokenId token) override {
    EXPECT_TRUE(allows(token));
    ++n_accepted;
  }
  bool is_finished() override { return n_accepted == tokens_.size(); }

  size_t n_accepted = 0;
  int n_asked = 0;  // for the whole set

 private:
  std::vector<TokenId> tokens_;
  TokenSet set_;
};

class TextInProgressTest : public testing::Test {
 protected:
  TextInProgressTest() : engine_(open(sample_model(), 512)) {}

  const Tokenizer& tokenizer() const { return engine_->tokenizer(); }
  size_t n_vocabulary() const { return static_cast<size_t>(engine_->model().config().vocabulary_size); }

  Sampler sampler(float temperature = 0) const {
    SamplerOptions options;
    options.temperature = temperature;
    return Sampler::create(options, tokenizer()).value();
  }

  std::vector<float> favouring(TokenId token) const {
    std::vector<float> logits(n_vocabulary(), 0.0f);
    logits[static_cast<size_t>(token)] = 10;
    return logits;
  }

  std::unique_ptr<Engine> engine_;
};

TEST_F(TextInProgressTest, AConstraintIsKeptAtEveryTemperature) {
  for (const float temperature : {0.0f, 1.0f}) {
    OneText constraint({300, 5, 7}, tokenizer().vocabulary_size());
    Sampler chooser = sampler(temperature);
    TextRules rules;
    rules.constraint = &constraint;
    TextInProgress text(tokenizer(), chooser, rules);
    std::vector<TokenId> tokens;
    for (int i = 0; i < 3; ++i) {
      const auto step = text.next(favouring(i == 1 ? 5 : 9));
      tokens.push_back(step.token);
      EXPECT_EQ(step.end.has_value(), i == 2);  // nothing may follow
      EXPECT_EQ(step.end.value_or(StopReason::kEnd), StopReason::kEnd);
    }
    EXPECT_EQ(tokens, (std::vector<TokenId>{300, 5, 7}));
    // The token that was favoured and allowed needed no look at the whole set, without chance.
    EXPECT_EQ(constraint.n_asked, temperature == 0 ? 2 : 3);
  }
}

TEST_F(TextInProgressTest, MaskedDrawsHaveTheDistributionOfTheAllowedTokens) {
  SamplerOptions options;
  options.temperature = 1;
  options.chain = {"temperature"};
  Sampler chooser = Sampler::create(options, tokenizer()).value();
  class Two final : public TokenConstraint {
   public:
    explicit Two(int n) : set(n) {
      set.insert(40);
      set.insert(70);
    }
    const TokenSet* allowed() override { return &set; }
    bool allows(TokenId token) override { return set.contains(token); }
    void accept(TokenId) override {}
    bool is_finished() override { return false; }
    TokenSet set;
  } constraint(tokenizer().vocabulary_size());
  std::vector<float> logits = favouring(9);
  logits[40] = std::log(3.0f);
  logits[70] = 0;
  int n_first = 0;
  for (int i = 0; i < 4000; ++i) {
    const TokenId token = chooser.sample(logits, &constraint);
    ASSERT_TRUE(token == 40 || token == 70);
    n_first += token == 40 ? 1 : 0;
  }
  EXPECT_NEAR(n_first / 4000.0, 0.75, 0.03);
}

TEST_F(TextInProgressTest, ReasoningEndsByForceAfterItsBudget) {
  for (const int budget : {0, 3}) {
    Sampler chooser = sampler();
    TextRules rules;
    rules.reasoning_budget = budget;
    rules.reasoning_end = {50, 51};
    std::vector<TokenId> tokens;
    rules.is_reasoning = [&] { return std::find(tokens.begin(), tokens.end(), 51) == tokens.end(); };
    rules.max_tokens = 8;
    TextInProgress text(tokenizer(), chooser, rules);
    std::optional<StopReason> end;
    while (!end) {
      const bool is_forced = !text.needs_logits();
      EXPECT_EQ(is_forced, !text.needs_logits());  // asking twice changes nothing
      const auto step = text.next(is_forced ? std::vector<float>() : favouring(9));
      tokens.push_back(step.token);
      end = step.end;
    }
    std::vector<TokenId> expected(static_cast<size_t>(budget), 9);
    expected.insert(expected.end(), {50, 51});
    expected.resize(8, 9);
    EXPECT_EQ(tokens, expected);
    EXPECT_EQ(*end, StopReason::kMaxTokens);
  }
}

TEST_F(TextInProgressTest, NothingIsForcedInsideACharacter) {
  const auto bytes = grammar_tests::make_tokenizer({});  // token 'x' is the byte 'x'
  const TokenId end = bytes->find("<tool_call>");
  const auto tokens_of = [&](const std::vector<TokenId>& wished, int budget) {
    SamplerOptions options;
    options.temperature = 0;
    Sampler chooser = Sampler::create(options, *bytes).value();
    TextRules rules;
    rules.reasoning_budget = budget;
    rules.reasoning_end = {end};
    rules.is_reasoning = [] { return true; };
    rules.max_tokens = static_cast<int>(wished.size());
    TextInProgress text(*bytes, chooser, rules);
    std::vector<TokenId> tokens;
    for (const TokenId token : wished) {
      std::vector<float> logits(static_cast<size_t>(bytes->vocabulary_size()), 0);
      logits[static_cast<size_t>(token)] = 9;
      tokens.push_back(text.next(logits).token);
    }
    return tokens;
  };
  EXPECT_EQ(tokens_of({'x', 0xED, 0x95, 0x9C, 'x', 'x'}, 2), (std::vector<TokenId>{'x', 0xED, 0x95, 0x9C, end, 'x'}));
  EXPECT_EQ(tokens_of({'x', 0xED, 0x95, 0x9C, 'x'}, 1), (std::vector<TokenId>{'x', end, 0x95, 0x9C, 'x'}));
  std::vector<TokenId> expected(9, 0xED);  // a model that ends no character
  expected.push_back(end);
  EXPECT_EQ(tokens_of(std::vector<TokenId>(10, 0xED), 1), expected);
}

TEST_F(TextInProgressTest, ForcedTokensAreToldToAConstraintThatAllowsThem) {
  OneText constraint({9, 51, 8}, tokenizer().vocabulary_size());
  Sampler chooser = sampler();
  TextRules rules;
  rules.constraint = &constraint;
  rules.reasoning_budget = 1;
  rules.reasoning_end = {50, 51};
  rules.is_reasoning = [&] { return true; };
  TextInProgress text(tokenizer(), chooser, rules);
  std::vector<TokenId> tokens;
  std::optional<StopReason> end;
  while (!end) {
    const auto step = text.next(favouring(9));
    tokens.push_back(step.token);
    end = step.end;
  }
  EXPECT_EQ(tokens, (std::vector<TokenId>{9, 50, 51, 8}));
}

TEST(StopFilter, NamesTheTextThatItFound) {
  StopFilter filter({"END", "STOP"});
  EXPECT_EQ(filter.push("one EN"), "one ");
  EXPECT_FALSE(filter.stopped());
  EXPECT_EQ(filter.push("D STOP"), "");
  EXPECT_TRUE(filter.stopped());
  EXPECT_EQ(filter.found(), "END");
  StopFilter earliest({"late", "a l"});
  EXPECT_EQ(earliest.push("a late one"), "");
  EXPECT_EQ(earliest.found(), "a l");
}

TEST(TokenChances, AreThoseOfSoftmax) {
  const std::vector<float> logits = {std::log(1.0f), std::log(5.0f), std::log(2.0f), -INFINITY, std::log(2.0f), NAN};
  const TokenChances chances = chances_of(logits, 2, 4);
  EXPECT_NEAR(chances.logprob, std::log(0.2), 1e-5);
  ASSERT_EQ(chances.best.size(), 4u);
  EXPECT_EQ(chances.best[0].token, 1);
  EXPECT_NEAR(chances.best[0].logprob, std::log(0.5), 1e-5);
  EXPECT_EQ(chances.best[1].token, 2);
  EXPECT_EQ(chances.best[2].token, 4);
  EXPECT_EQ(chances.best[3].token, 0);
  const TokenChances all = chances_of(logits, 3, 100);
  EXPECT_EQ(all.best.size(), 6u);
  EXPECT_TRUE(std::isfinite(all.logprob));
  EXPECT_TRUE(chances_of(logits, 0, 0).best.empty());
}

}  // namespace
}  // namespace ondol
