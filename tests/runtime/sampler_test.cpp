#include "runtime/sampler.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

namespace ondol {
namespace {

/// Token i is the letter 'a' + i; token 9 is a line break.
class Letters : public Tokenizer {
 public:
  std::vector<TokenId> encode(std::string_view, bool, SpecialTokens) const override { return {}; }
  std::vector<TokenId> encode_prompt(std::string_view, std::span<const size_t>) const override { return {}; }
  std::string piece(TokenId id, bool) const override {
    return id == 9 ? "\n" : std::string(1, static_cast<char>(97 + id));
  }
  std::string decode(std::span<const TokenId>, bool) const override { return ""; }
  std::string_view token_text(TokenId) const override { return ""; }
  TokenId find(std::string_view) const override { return kNoToken; }
  int vocabulary_size() const override { return 10; }
  bool is_control(TokenId) const override { return false; }
  bool is_unused(TokenId) const override { return false; }
  TokenId bos() const override { return kNoToken; }
  TokenId eos() const override { return kNoToken; }
  bool adds_bos() const override { return false; }
  bool ends_generation(TokenId) const override { return false; }
};

/// Everything off: plain sampling at temperature 1.
SamplerOptions plain() {
  SamplerOptions o;
  o.temperature = 1.0f;
  o.top_k = 0;
  o.top_p = 1.0f;
  o.min_p = 0.0f;
  o.seed = 7;
  return o;
}

Sampler make(const SamplerOptions& options) {
  auto sampler = Sampler::create(options, Letters());
  EXPECT_TRUE(sampler) << sampler.error().message();
  return std::move(*sampler);
}

/// How often each token comes up.
std::vector<double> frequencies(const SamplerOptions& options, const std::vector<float>& logits, int n = 20000) {
  Sampler sampler = make(options);
  std::vector<double> counts(logits.size(), 0);
  for (int i = 0; i < n; ++i) counts[static_cast<size_t>(sampler.sample(logits))] += 1.0 / n;
  return counts;
}

std::vector<float> log_of(std::vector<float> probabilities) {
  for (float& p : probabilities) p = std::log(p);
  return probabilities;
}

std::set<size_t> support(const SamplerOptions& options, const std::vector<float>& logits) {
  std::set<size_t> seen;
  const auto f = frequencies(options, logits, 4000);
  for (size_t i = 0; i < f.size(); ++i) {
    if (f[i] > 0) seen.insert(i);
  }
  return seen;
}

const std::vector<float> kLogits = log_of({0.5f, 0.25f, 0.15f, 0.07f, 0.03f});

TEST(Sampler, DrawsFromTheSoftmax) {
  const auto f = frequencies(plain(), kLogits);
  EXPECT_NEAR(f[0], 0.5, 0.015);
  EXPECT_NEAR(f[1], 0.25, 0.015);
  EXPECT_NEAR(f[4], 0.03, 0.01);
}

TEST(Sampler, TemperatureZeroTakesTheBestAndTheFirstOfEquals) {
  SamplerOptions o = plain();
  o.temperature = 0;
  EXPECT_EQ(make(o).sample(kLogits), 0);
  EXPECT_EQ(make(o).sample(std::vector<float>{1, 3, 3, 2}), 1);
}

TEST(Sampler, TemperatureSharpens) {
  SamplerOptions o = plain();
  o.temperature = 0.5f;
  const auto f = frequencies(o, kLogits);
  const double total = 0.25 + 0.0625 + 0.0225 + 0.0049 + 0.0009;
  EXPECT_NEAR(f[0], 0.25 / total, 0.015);
}

TEST(Sampler, TheSameSeedGivesTheSameTokens) {
  Sampler a = make(plain()), b = make(plain());
  SamplerOptions other = plain();
  other.seed = 8;
  Sampler c = make(other);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const TokenId token = a.sample(kLogits);
    EXPECT_EQ(token, b.sample(kLogits));
    differs |= token != c.sample(kLogits);
  }
  EXPECT_TRUE(differs);
}

TEST(Sampler, TruncatingStepsKeepWhatTheyPromise) {
  SamplerOptions o = plain();
  o.top_k = 2;
  EXPECT_EQ(support(o, kLogits), (std::set<size_t>{0, 1}));
  o = plain();
  o.top_p = 0.7f;
  EXPECT_EQ(support(o, kLogits), (std::set<size_t>{0, 1}));
  o = plain();
  o.min_p = 0.29f;  // 0.15 / 0.5 is just above, 0.07 / 0.5 below
  EXPECT_EQ(support(o, kLogits), (std::set<size_t>{0, 1, 2}));
  o = plain();
  o.top_n_sigma = 1.0f;  // log probabilities: mean -1.97, deviation 1.02: -1.71 is the lowest kept
  EXPECT_EQ(support(o, kLogits), (std::set<size_t>{0, 1}));
}

TEST(Sampler, TypicalDropsTheTooLikely) {
  // Entropy is 1.59: the surprise of 0.2 (1.61) is closest to it, that of 0.4 (0.92) is farthest but one.
  const auto logits = log_of({0.4f, 0.2f, 0.2f, 0.1f, 0.1f});
  SamplerOptions o = plain();
  o.typical_p = 0.35f;
  EXPECT_EQ(support(o, logits), (std::set<size_t>{1, 2}));
}

TEST(Sampler, XtcDropsTopChoicesButTheLastOfThem) {
  SamplerOptions o = plain();
  o.xtc_probability = 1.0f;
  o.xtc_threshold = 0.1f;
  EXPECT_EQ(support(o, kLogits), (std::set<size_t>{2, 3, 4}));
}

TEST(Sampler, DynamicTemperatureFollowsEntropy) {
  SamplerOptions o = plain();
  o.temperature = 1.0f;
  o.dynamic_range = 0.9f;
  // Nearly certain: entropy close to 0, so the temperature is close to 0.1 and the second choice vanishes.
  const auto f = frequencies(o, log_of({0.98f, 0.01f, 0.01f}), 5000);
  EXPECT_GT(f[0], 0.999);
}

TEST(Sampler, PenaltiesLowerWhatOccurred) {
  SamplerOptions o = plain();
  o.temperature = 0;
  o.presence_penalty = 10;
  Sampler sampler = make(o);
  sampler.accept(0);
  EXPECT_EQ(sampler.sample(kLogits), 1);
  o.presence_penalty = 0;
  o.repeat_penalty = 4;  // negative logits are multiplied
  Sampler repeat = make(o);
  repeat.accept(0);
  EXPECT_EQ(repeat.sample(kLogits), 1);
  o.repeat_penalty = 1;
  o.frequency_penalty = 0.4f;
  Sampler frequency = make(o);
  frequency.accept(0);
  EXPECT_EQ(frequency.sample(kLogits), 0);  // once is not enough: log 2 is 0.69
  frequency.accept(0);
  EXPECT_EQ(frequency.sample(kLogits), 1);
}

TEST(Sampler, PenaltiesForgetWhatIsLongAgo) {
  SamplerOptions o = plain();
  o.temperature = 0;
  o.presence_penalty = 10;
  o.repeat_last_n = 2;
  Sampler sampler = make(o);
  for (const TokenId token : {0, 3, 4}) sampler.accept(token);
  EXPECT_EQ(sampler.sample(kLogits), 0);
}

TEST(Sampler, DryStopsARepetitionAndBreakersEndIt) {
  SamplerOptions o = plain();
  o.temperature = 0;
  o.dry_multiplier = 5;
  o.dry_allowed_length = 2;
  const std::vector<float> logits = log_of({0.05f, 0.05f, 0.8f, 0.1f, 0, 0, 0, 0, 0, 0});
  Sampler sampler = make(o);
  for (const TokenId token : {0, 1, 2, 5, 0, 1}) sampler.accept(token);  // "abcf ab": c would repeat
  EXPECT_EQ(sampler.sample(logits), 3);
  Sampler broken = make(o);
  for (const TokenId token : {0, 1, 2, 5, 0, 9, 1}) broken.accept(token);  // only "b" follows the break
  EXPECT_EQ(broken.sample(logits), 2);
}

TEST(Sampler, BiasForbidsAndInvites) {
  SamplerOptions o = plain();
  o.temperature = 0;
  o.logit_bias = {{0, -INFINITY}, {4, 100.0f}, {1000, 5.0f}};
  EXPECT_EQ(make(o).sample(kLogits), 4);
  o.temperature = 1;
  o.logit_bias = {{0, -INFINITY}};
  EXPECT_FALSE(support(o, kLogits).contains(0));
}

TEST(Sampler, MirostatKeepsTheSurpriseNearItsTarget) {
  std::vector<float> logits(1000);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = -1.2f * std::log(static_cast<float>(i + 1));
  SamplerOptions o = plain();
  o.mirostat = true;
  o.mirostat_tau = 3;
  Sampler sampler = make(o);
  double sum = 0;
  for (const float x : logits) sum += std::exp(x);
  double surprise = 0;
  const int n = 4000;
  for (int i = 0; i < n; ++i) {
    surprise -= std::log2(std::exp(logits[static_cast<size_t>(sampler.sample(logits))]) / sum) / n;
  }
  EXPECT_NEAR(surprise, 3.0, 0.1);
}

TEST(Sampler, TheChainRunsInTheGivenOrder) {
  // Temperature first flattens the distribution, so that the same top-p keeps more.
  SamplerOptions o = plain();
  o.temperature = 4;
  o.top_p = 0.6f;
  o.chain = {"top_p", "temperature"};
  const auto before = support(o, kLogits);
  o.chain = {"temperature", "top_p"};
  EXPECT_LT(before.size(), support(o, kLogits).size());
}

TEST(Sampler, SurvivesBrokenLogits) {
  const std::vector<float> logits = {NAN, NAN, 1.0f, -INFINITY};
  EXPECT_EQ(make(plain()).sample(logits), 2);
  const std::vector<float> none = {-INFINITY, -INFINITY};
  const TokenId token = make(plain()).sample(none);
  EXPECT_TRUE(token == 0 || token == 1);
}

TEST(Sampler, RefusesUnknownStepsAndBadValues) {
  SamplerOptions o = plain();
  o.chain = {"top_q"};
  const auto unknown = Sampler::create(o, Letters());
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message().find("'top_q'"), std::string::npos);
  o = plain();
  o.temperature = NAN;
  EXPECT_FALSE(Sampler::create(o, Letters()));
  o = plain();
  o.xtc_probability = 1.5f;
  EXPECT_FALSE(Sampler::create(o, Letters()));
}

}  // namespace
}  // namespace ondol
