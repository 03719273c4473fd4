// Texts of a scheduler are those of the same requests alone, whatever runs beside them. With plain kernels ("ref")
// every row has the same bits in any company, so everything can be compared exactly.
#include "runtime/scheduler.h"

#include <atomic>
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/runtime/scheduling.h"

namespace ondol {
namespace {

EngineOptions plain(KvTypes types = DType::F32) {
  EngineOptions options;
  options.cpu = {1, "ref"};
  options.kv_types = types;
  return options;
}

struct Sent {
  GenerationRequest request;  // without what was moved
  std::shared_ptr<Collector> sink = std::make_shared<Collector>();
  Scheduler::Id id = 0;
};

GenerationRequest copy_of(const GenerationRequest& request) {
  GenerationRequest copy;
  copy.prompt = request.prompt;
  copy.sampler = request.sampler;
  copy.max_tokens = request.max_tokens;
  copy.stop = request.stop;
  copy.n_best = request.n_best;
  copy.ignore_end = request.ignore_end;
  copy.client = request.client;
  return copy;
}

void send(Scheduler& scheduler, Sent& sent) {
  const auto id = scheduler.submit(copy_of(sent.request), sent.sink);
  ASSERT_TRUE(id) << id.error().message();
  sent.id = *id;
}

void expect_as_alone(const std::string& model, int64_t context, const EngineOptions& options, std::vector<Sent>& texts,
                     const SchedulerOptions& how, SchedulerStats* stats = nullptr) {
  std::vector<std::vector<TokenId>> expected;
  std::vector<StopReason> reasons(texts.size());
  {
    const auto engine = open(model, context, options);
    for (size_t i = 0; i < texts.size(); ++i) expected.push_back(alone(*engine, texts[i].request, &reasons[i]));
  }
  const auto scheduler = Scheduler::start(open(model, context, options), how);
  {
    const Hold hold(*scheduler);
    for (Sent& text : texts) send(*scheduler, text);
  }
  ASSERT_TRUE(scheduler->drain(300));
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(texts[i].sink->tokens, expected[i]) << i;
    EXPECT_EQ(texts[i].sink->end.reason, reasons[i]) << i;
    EXPECT_EQ(texts[i].sink->n_ends, 1);
    EXPECT_FALSE(texts[i].sink->end.error);
  }
  const SchedulerStats after = scheduler->stats();
  EXPECT_EQ(after.n_running + after.n_waiting, 0);
  EXPECT_EQ(after.n_pages_used, 0);
  if (stats != nullptr) *stats = after;
}

std::vector<Sent> texts_of_all_samplers(int n, int vocabulary_size, int max_tokens) {
  std::vector<Sent> texts(static_cast<size_t>(n));
  for (size_t i = 0; i < texts.size(); ++i) {
    texts[i].request = request_of(random_prompt(i, 3 + i * 7 % 60, vocabulary_size), max_tokens);
    texts[i].request.sampler = samplers()[i % samplers().size()];
    texts[i].request.sampler.seed = i;
    texts[i].request.client = i % 3 == 0 ? "a" : "b";
  }
  return texts;
}

// Plain kernels are slow, so exact comparisons use a model of a few thousand weights.
constexpr const char* kTiny = ONDOL_SOURCE_DIR "/tests/golden/models/qwen3.gguf";
constexpr int kTinyVocabulary = 80;
constexpr int kVocabulary = 256;  // ids that the sample has for certain

TEST(Scheduler, ManyTextsAreAsTheyAreAlone) {
  std::vector<Sent> texts = texts_of_all_samplers(20, kTinyVocabulary, 40);
  expect_as_alone(kTiny, 4096, plain(), texts, {});
}

TEST(Scheduler, SoTheyAreWithFewRowsToAPassAndFewTextsAtOnce) {
  std::vector<Sent> texts = texts_of_all_samplers(9, kTinyVocabulary, 20);
  EngineOptions options = plain();
  options.batch_rows = 7;
  expect_as_alone(kTiny, 4096, options, texts, {.max_running = 3});
}

/// Up to eight rows have the bits of one row in every kernel.
TEST(Scheduler, EightTextsAreAsTheyAreAloneWithTheBestKernels) {
  std::vector<Sent> texts(8);
  for (size_t i = 0; i < texts.size(); ++i) {
    texts[i].request = request_of(random_prompt(i, 1, kVocabulary), 40);
    texts[i].request.sampler = samplers()[i % samplers().size()];
  }
  EngineOptions options;
  options.kv_types = KvTypes(DType::Q8_0, DType::Q4_0);
  expect_as_alone(sample_model(), 2048, options, texts, {});
}

/// Larger passes round in another way. Most texts of a greedy sampler do not notice.
TEST(Scheduler, MoreTextsMostlyAreWithTheBestKernels) {
  const auto engine = open(sample_model(), 8192);
  const auto scheduler = Scheduler::start(open(sample_model(), 8192), {.max_running = 24});
  std::vector<Sent> texts(24);
  for (size_t i = 0; i < texts.size(); ++i) {
    texts[i].request = request_of(random_prompt(i, 20 + i * 9, kVocabulary), 32);
    send(*scheduler, texts[i]);
  }
  ASSERT_TRUE(scheduler->drain(300));
  int n_same = 0;
  for (Sent& text : texts) n_same += text.sink->tokens == alone(*engine, text.request) ? 1 : 0;
  EXPECT_GE(n_same, 18);
}

TEST(Scheduler, ATinyCacheChangesNothing) {
  // Each of them fits, two of them hardly.
  std::vector<Sent> texts = texts_of_all_samplers(9, kTinyVocabulary, 70);
  SchedulerStats stats;
  expect_as_alone(kTiny, 160, plain(), texts, {}, &stats);
  EXPECT_GT(stats.n_preempted, 0u);
}

TEST(Scheduler, EveryTextMayFillTheContext) {
  std::vector<Sent> texts = texts_of_all_samplers(4, kTinyVocabulary, -1);
  expect_as_alone(kTiny, 100, plain(), texts, {});
  for (const Sent& text : texts) EXPECT_EQ(text.sink->end.reason, StopReason::kContextFull);
  Sent whole;
  whole.request = request_of(random_prompt(3, 100, kTinyVocabulary), 5);
  std::vector<Sent> one;
  one.push_back(std::move(whole));
  expect_as_alone(kTiny, 100, plain(), one, {});
  EXPECT_EQ(one[0].sink->tokens.size(), 1u);
}

TEST(Scheduler, RotationsThatChangeWithTheLength) {
  const std::string model = fmt::format("{}/tests/golden/models/phi3-longrope.gguf", ONDOL_SOURCE_DIR);
  EngineOptions options = plain();
  options.batch_rows = 7;
  std::vector<Sent> texts(5);
  const auto start = random_prompt(1, 40, 60);
  for (size_t i = 0; i < texts.size(); ++i) {
    const size_t n = i == 0 ? 30 : 4 + 3 * i;  // the original context is 16
    texts[i].request = request_of({start.begin(), start.begin() + static_cast<long>(n)}, 12);
  }
  expect_as_alone(model, 256, options, texts, {});
}

/// The base of dynamic rotations grows with the length beyond the original context, which is 16 here: beginnings are
/// shared below that, and between prompts of the same length.
TEST(Scheduler, RotationsThatGrowWithTheLength) {
  const std::string model = fmt::format("{}/tests/golden/models/llama-dynamic.gguf", ONDOL_SOURCE_DIR);
  EngineOptions options = plain();
  options.batch_rows = 7;
  const auto start = random_prompt(1, 60, 60);
  for (const int64_t context : {512, 160}) {
    std::vector<Sent> texts(9);
    for (size_t i = 0; i < texts.size(); ++i) {
      const size_t n = i < 6 ? 9 + 6 * i : 40;
      texts[i].request = request_of({start.begin(), start.begin() + static_cast<long>(n)}, context == 160 ? 70 : 20);
      if (i > 6) texts[i].request.prompt.back() = static_cast<TokenId>(i);
    }
    SchedulerStats stats;
    expect_as_alone(model, context, options, texts, {.max_running = 5}, &stats);
    EXPECT_GE(stats.n_cached_tokens, 2u * 30) << "prompts of 40 tokens that differ in the last";
    if (context == 160) {
      EXPECT_GT(stats.n_preempted, 0u);
    }
    EXPECT_LT(stats.n_cached_tokens, 5u * 16 + 3u * 40);
  }
}

TEST(Scheduler, OneTextAloneIsSpeculated) {
  const auto engine = open(sample_model(), 1024, plain());
  const auto prompt = raw_tokens(engine->tokenizer(), kRepetitive);
  std::vector<Sent> texts(1);
  texts[0].request = request_of(prompt, 60);
  SchedulerStats stats;
  expect_as_alone(sample_model(), 1024, plain(), texts, {.speculate = 3}, &stats);
  EXPECT_GT(stats.n_drafted, 0u);
  EXPECT_LT(stats.n_rows, prompt.size() + 61);
}

TEST(Scheduler, SpeculationStopsWhenOthersComeAndGoesOnWhenTheyAreGone) {
  const auto engine = open(sample_model(), 1024, plain());
  const auto scheduler = Scheduler::start(open(sample_model(), 1024, plain()), {.speculate = 5});
  Sent first;
  first.request = request_of(raw_tokens(engine->tokenizer(), kRepetitive), 60);
  Sent second;
  second.request = request_of(random_prompt(1, 50, kVocabulary), 7);
  first.sink->at_token = [&](size_t n) {
    if (n == 15) send(*scheduler, second);
    return true;
  };
  send(*scheduler, first);
  first.sink->wait();
  second.sink->wait();
  EXPECT_EQ(first.sink->tokens, alone(*engine, first.request));
  EXPECT_EQ(second.sink->tokens, alone(*engine, second.request));
}

TEST(Scheduler, ALongPromptDoesNotHoldUpAShortOne) {
  const auto scheduler = Scheduler::start(open(sample_model(), 4096), {.prefill_rows = 64});
  Sent running, big, other_big, small;
  running.request = request_of(random_prompt(1, 4, kVocabulary), 60);
  big.request = request_of(random_prompt(2, 1500, kVocabulary), 1);
  other_big.request = request_of(random_prompt(3, 1500, kVocabulary), 1);
  small.request = request_of(random_prompt(4, 40, kVocabulary), 1);
  big.request.client = other_big.request.client = "a";
  small.request.client = "b";
  std::atomic<size_t> n_big = 0;
  std::atomic<size_t> n_running = 0;
  size_t n_running_before = 0;
  size_t n_big_before = 99;
  big.sink->at_prompt = [&](int) { return ++n_big, true; };
  running.sink->at_token = [&](size_t n) { return n_running = n, true; };
  small.sink->at_token = [&](size_t) {
    n_big_before = n_big;
    n_running_before = n_running;
    return true;
  };
  {
    const Hold hold(*scheduler);
    send(*scheduler, running);
    send(*scheduler, big);
    send(*scheduler, other_big);
    send(*scheduler, small);
  }
  ASSERT_TRUE(scheduler->drain(300));
  // It shares the first passes with the first long one, and nothing generated has to wait for either.
  EXPECT_LE(n_big_before, 3u);
  EXPECT_LE(n_running_before, 4u);
  EXPECT_GT(n_big, 10u);
  EXPECT_EQ(running.sink->tokens.size(), 60u);
  EXPECT_TRUE(std::is_sorted(big.sink->prompt_done.begin(), big.sink->prompt_done.end()));
  EXPECT_EQ(big.sink->prompt_done.back(), 1500);
  EXPECT_EQ(big.sink->prompt_total, 1500);
}

TEST(Scheduler, ClientsTakeTurns) {
  const auto scheduler = Scheduler::start(open(sample_model(), 2048, plain()), {.max_running = 1});
  std::vector<std::string> order;
  std::vector<Sent> texts(9);
  for (size_t i = 0; i < texts.size(); ++i) {
    texts[i].request = request_of(random_prompt(i, 5, kVocabulary), 1);
    texts[i].request.client = i < 6 ? "greedy" : i < 8 ? "modest" : "late";
    texts[i].sink->at_end = [&, i] { order.push_back(texts[i].request.client); };
  }
  {
    const Hold hold(*scheduler);
    for (Sent& text : texts) send(*scheduler, text);
  }
  ASSERT_TRUE(scheduler->drain(300));
  EXPECT_EQ(order, (std::vector<std::string>{"greedy", "modest", "late", "greedy", "modest", "greedy", "greedy",
                                             "greedy", "greedy"}));
}

TEST(Scheduler, PromptsThatBeginAlikeAreReadOnce) {
  const auto scheduler = Scheduler::start(open(kTiny, 8192, plain()), {});
  const auto engine = open(kTiny, 8192, plain());
  const auto start = random_prompt(1, 600, kTinyVocabulary);
  std::vector<Sent> texts(4);
  {
    const Hold hold(*scheduler);
    for (size_t i = 0; i < texts.size(); ++i) {
      auto prompt = start;
      for (const TokenId token : random_prompt(100 + i, 10, kTinyVocabulary)) prompt.push_back(token);
      texts[i].request = request_of(prompt, 4);
      texts[i].request.client = std::to_string(i % 2);
      send(*scheduler, texts[i]);
    }
  }
  for (Sent& text : texts) text.sink->wait();
  for (Sent& text : texts) EXPECT_EQ(text.sink->tokens, alone(*engine, text.request));
  for (size_t i = 1; i < texts.size(); ++i) EXPECT_GE(texts[i].sink->end.n_cached, 576);
  // The next turn of a chat finds the answer too.
  Sent next;
  auto prompt = texts[2].request.prompt;
  prompt.insert(prompt.end(), texts[2].sink->tokens.begin(), texts[2].sink->tokens.end());
  const size_t n_known = prompt.size() - 1;  // nothing followed the last one
  for (const TokenId token : random_prompt(9, 20, kTinyVocabulary)) prompt.push_back(token);
  next.request = request_of(prompt, 4);
  send(*scheduler, next);
  ASSERT_TRUE(scheduler->drain(300));
  EXPECT_EQ(next.sink->end.n_cached, static_cast<int>(n_known));
  EXPECT_EQ(next.sink->tokens, alone(*engine, next.request));
  EXPECT_EQ(scheduler->stats().n_cached_tokens + scheduler->stats().n_rows, 4u * 610 + 4 * 3 + prompt.size() + 3);
}

}  // namespace
}  // namespace ondol
