// Speculation changes when tokens are computed, never which: everything is compared with plain generation, bit by bit.
#include "runtime/speculation.h"

#include <filesystem>
#include <numeric>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "backend/cpu/dispatch.h"
#include "tests/runtime/generation.h"

namespace ondol {
namespace {

void expect_same_text(const std::string& model) {
  for (const KvTypes kv : {KvTypes(DType::F32), KvTypes(DType::F16), KvTypes(DType::Q8_0, DType::Q4_0)}) {
    for (const int n_threads : {1, 2}) {
      EngineOptions options;
      options.kv_types = kv;
      options.cpu.n_threads = n_threads;
      const auto engine = open(model, 256, options);
      for (const char* prompt : {kRepetitive, kPlain}) {
        for (size_t i = 0; i < samplers().size(); ++i) {
          Request request;
          request.prompt = prompt;
          request.sampler = samplers()[i];
          const Outcome plain = run(*engine, request, 0);
          for (const int speculate : {1, 3, DraftPolicy::kMostGuesses, kSpeculateAuto}) {
            EXPECT_EQ(run(*engine, request, speculate), plain)
                << prompt << ", sampler " << i << ", " << info_of(kv.k).name << ", drafts of " << speculate;
          }
        }
      }
    }
  }
}

TEST(Speculation, TextIsTheSameOnTheSample) {
  expect_same_text(sample_model());
}

TEST(Speculation, TextIsTheSameOnARealModel) {
  const std::string model = fmt::format("{}/models/stories260K/stories260K.gguf", ONDOL_SHARED_DATA);
  if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is not here";
  expect_same_text(model);
}

TEST(Speculation, RepetitionsAreForeseen) {
  const auto engine = open(sample_model(), 256);
  Request request;
  Generated counts;
  run(*engine, request, 3, &counts);
  EXPECT_GT(counts.n_accepted, 10);
  EXPECT_LE(counts.n_accepted, counts.n_drafted);
  run(*engine, request, 0, &counts);
  EXPECT_EQ(counts.n_drafted, 0);
}

TEST(Speculation, DraftingStopsWhereItDoesNotHelp) {
  const auto engine = open(sample_model(), 2048);
  // Any of 24 tokens with equal chances: pairs come back all the time, and tell nothing about what follows.
  Request request;
  request.sampler.temperature = 1000;
  request.sampler.top_k = 0;
  request.sampler.top_p = 1;
  request.sampler.min_p = 0;
  for (TokenId id = 0; id < engine->tokenizer().vocabulary_size(); ++id) {
    request.sampler.logit_bias[id] = id >= 100 && id < 124 ? 0.0f : -INFINITY;
  }
  request.generation.max_tokens = 1500;
  Generated always;
  Generated adaptive;
  run(*engine, request, 7, &always);
  run(*engine, request, kSpeculateAuto, &adaptive);
  EXPECT_GT(always.n_drafted, 500);
  EXPECT_LT(adaptive.n_drafted, always.n_drafted / 4);
}

TEST(Speculation, StoppingWithinADraftLeavesNothingBehind) {
  const auto engine = open(sample_model(), 256);
  for (int stop_after = 1; stop_after <= 12; ++stop_after) {
    Request request;
    request.stop_after = stop_after;
    const Outcome plain = run(*engine, request, 0);
    EXPECT_EQ(run(*engine, request, 5), plain) << stop_after;
  }
}

TEST(Speculation, EveryEndIsTheSame) {
  const auto engine = open(sample_model(), 80);
  Request full;
  Request shifted;
  shifted.generation.shift_context = true;
  shifted.generation.keep = 3;
  Request text;
  text.generation.stop = {"dog", " s"};
  Request own_end;
  own_end.generation.ignore_end = false;
  for (int speculate : {1, 4, 7}) {
    for (const Request& request : {full, shifted, text, own_end}) {
      EXPECT_EQ(run(*engine, request, speculate), run(*engine, request, 0)) << speculate;
    }
    for (int n = 0; n < 12; ++n) {
      Request few;
      few.generation.max_tokens = n;
      EXPECT_EQ(run(*engine, few, speculate), run(*engine, few, 0)) << speculate << ", " << n;
    }
  }
  EXPECT_EQ(run(*engine, full, 0).reason, StopReason::kContextFull);
  EXPECT_GT(run(*engine, shifted, 7).n_shifts, 0);
}

/// A text that repeats itself, but for a token now and then, so that some guesses are right and some are wrong.
std::vector<TokenId> nearly_periodic(size_t n, int64_t vocabulary_size) {
  std::vector<TokenId> tokens;
  for (size_t i = 0; i < n; ++i) {
    tokens.push_back(static_cast<TokenId>(static_cast<int64_t>(i % 11 == 10 ? i : i % 5) % vocabulary_size));
  }
  return tokens;
}

std::vector<float> copy(std::span<const float> logits) {
  return {logits.begin(), logits.end()};
}

void expect_same_logits(Engine& engine, size_t n) {
  const auto text = nearly_periodic(n, engine.model().config().vocabulary_size);
  const auto prompt = std::span(text).first(7);
  std::vector<std::vector<float>> plain;
  {
    Session session(engine);
    ASSERT_TRUE(session.sync(prompt));
    for (const TokenId token : std::span(text).subspan(prompt.size())) {
      ASSERT_TRUE(session.append(token));
      plain.push_back(copy(session.logits()));
    }
  }
  Session session(engine);
  ASSERT_TRUE(session.sync(prompt));
  Speculation speculation(session, 5);
  speculation.begin(prompt);
  for (size_t i = prompt.size(); i < n; ++i) {
    ASSERT_TRUE(speculation.append(text[i], 100));
    ASSERT_EQ(speculation.length(), i + 1);
    ASSERT_EQ(copy(speculation.logits()), plain[i - prompt.size()]) << "token " << i;
  }
  EXPECT_GT(speculation.n_accepted(), 5);
  EXPECT_GT(speculation.n_drafted(), speculation.n_accepted());
  speculation.settle();
  EXPECT_EQ(std::vector<TokenId>(session.tokens().begin(), session.tokens().end()), text);
}

/// Windows, experts, latent heads, rotations that depend on the length: no architecture tells drafts from plain tokens.
TEST(Speculation, LogitsAreTheSameForEveryArchitecture) {
  int n_models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ONDOL_SOURCE_DIR "/tests/golden/models")) {
    if (entry.path().extension() != ".gguf") continue;
    for (const char* isa : {"ref", "avx2", "avx512", "amx", "neon"}) {
      if (!cpu::select_kernels(isa, cpu::detect_features())) continue;
      SCOPED_TRACE(entry.path().filename().string() + ", " + isa);
      EngineOptions options;
      options.cpu = {2, isa};
      options.needs_tokenizer = false;
      options.context.at_least = 60;
      auto engine = Engine::open(entry.path(), options);
      ASSERT_TRUE(engine) << engine.error().message();
      expect_same_logits(**engine, static_cast<size_t>(std::min<int64_t>(60, (*engine)->context_length())));
      ++n_models;
    }
  }
  EXPECT_GT(n_models, 20);
}

TEST(Speculation, TakingBackAcrossPagesOfTheCache) {
  const auto engine = open(sample_model(), 256);
  const auto text = nearly_periodic(90, engine->model().config().vocabulary_size);
  for (const int before : {kPageTokens - 3, kPageTokens - 1, kPageTokens, 2 * kPageTokens - 5}) {
    const auto prompt = std::span(text).first(static_cast<size_t>(before));
    for (int n_back = 0; n_back <= 8; ++n_back) {
      Session session(*engine);
      ASSERT_TRUE(session.sync(prompt));
      const int n_free = engine->cache().n_free_pages();
      Session other = session.fork();  // shares the last page until one of them writes to it
      ASSERT_TRUE(session.append_each(std::span(text).subspan(20, 8)));
      session.roll_back(n_back);
      session.roll_back(8 - n_back);
      EXPECT_GE(engine->cache().n_free_pages(), n_free - 1);
      ASSERT_TRUE(other.append(text[3]));
      const auto expected = copy(other.logits());
      ASSERT_TRUE(session.append(text[3]));
      EXPECT_EQ(copy(session.logits()), expected) << before << " - " << n_back;
    }
  }
}

TEST(Speculation, GuessesGiveWayWhereTheCacheIsShort) {
  const auto engine = open(sample_model(), 3 * kPageTokens);
  const auto text = nearly_periodic(70, engine->model().config().vocabulary_size);
  Session session(*engine);
  ASSERT_TRUE(session.sync(std::span(text).first(kPageTokens - 2)));
  Session other(*engine);
  ASSERT_TRUE(other.sync(std::span(text).first(2 * kPageTokens)));
  Speculation speculation(session, 7);
  speculation.begin(session.tokens());
  EXPECT_TRUE(speculation.append(text[kPageTokens - 2], 100));
  EXPECT_TRUE(speculation.append(text[kPageTokens - 1], 100));
  EXPECT_FALSE(speculation.append(text[kPageTokens], 100));
}

}  // namespace
}  // namespace ondol
