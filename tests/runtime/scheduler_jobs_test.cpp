// Jobs that need pages of a cache that texts are using.
#include <atomic>
#include <future>

#include <gtest/gtest.h>

#include "runtime/embedder.h"
#include "tests/runtime/scheduling.h"

namespace ondol {
namespace {

constexpr const char* kTiny = ONDOL_SOURCE_DIR "/tests/golden/models/qwen3.gguf";
constexpr int kVocabulary = 80;
constexpr int64_t kContext = 256;  // eight pages

EngineOptions plain() {
  EngineOptions options;
  options.cpu = {1, "ref"};
  return options;
}

/// Takes so many pages for a moment; how many texts had ended before.
std::future<int> take_pages(Scheduler& scheduler, int n_pages, const std::atomic<int>& n_ended, bool* has_room) {
  auto promise = std::make_shared<std::promise<int>>();
  auto future = promise->get_future();
  scheduler.post(
      [=, &n_ended](Engine& engine) {
        KvSequence sequence(engine.cache());
        *has_room = sequence.append(n_pages * kPageTokens).has_value();
        promise->set_value(n_ended);
      },
      n_pages);
  return future;
}

TEST(SchedulerJobs, OneThatNeedsMorePagesThanAreLeftWaits) {
  const auto reference = open(kTiny, kContext, plain());
  std::vector<GenerationRequest> requests;
  for (uint64_t i = 0; i < 3; ++i) requests.push_back(request_of(random_prompt(i, 50, kVocabulary), 30));
  std::vector<std::vector<TokenId>> expected;
  for (const GenerationRequest& request : requests) expected.push_back(alone(*reference, request));

  const auto scheduler = Scheduler::start(open(kTiny, kContext, plain()), {.max_running = 2});
  std::atomic<int> n_ended = 0;
  bool has_room = false, has_small = false;
  std::future<int> job, small;
  std::vector<std::shared_ptr<Collector>> sinks;
  for (size_t i = 0; i < 3; ++i) {
    sinks.push_back(std::make_shared<Collector>());
    sinks.back()->at_end = [&] { ++n_ended; };
  }
  // Two texts run when the jobs come; the third must wait for the jobs, because they came before it could begin.
  std::promise<void> posted;
  sinks[1]->at_token = [&](size_t n) {
    if (n == 1) {
      job = take_pages(*scheduler, 8, n_ended, &has_room);
      small = take_pages(*scheduler, 1, n_ended, &has_small);
      posted.set_value();
    }
    return true;
  };
  {
    const Hold hold(*scheduler);
    for (size_t i = 0; i < 3; ++i) ASSERT_TRUE(scheduler->submit(std::move(requests[i]), sinks[i]));
  }
  posted.get_future().wait();
  EXPECT_EQ(job.get(), 2) << "when the texts that ran had ended, and before the one that waited";
  EXPECT_TRUE(has_room);
  EXPECT_EQ(small.get(), 2);
  EXPECT_TRUE(has_small);
  ASSERT_TRUE(scheduler->drain(300));
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(sinks[i]->tokens, expected[i]) << i;
}

TEST(SchedulerJobs, OneThatFitsBesideTextsDoesNotWait) {
  const auto scheduler = Scheduler::start(open(kTiny, kContext, plain()), {});
  std::atomic<int> n_ended = 0;
  bool has_room = false;
  std::future<int> job;
  const auto sink = std::make_shared<Collector>();
  std::promise<void> posted;
  sink->at_end = [&] { ++n_ended; };
  sink->at_token = [&](size_t n) {
    if (n == 1) {
      job = take_pages(*scheduler, 4, n_ended, &has_room);
      posted.set_value();
    }
    return true;
  };
  ASSERT_TRUE(scheduler->submit(request_of(random_prompt(1, 20, kVocabulary), 60), sink));
  posted.get_future().wait();
  EXPECT_EQ(job.get(), 0);
  EXPECT_TRUE(has_room);
  ASSERT_TRUE(scheduler->drain(300));
}

TEST(SchedulerJobs, OneThatNeverFitsIsRunAndLearnsIt) {
  const auto scheduler = Scheduler::start(open(kTiny, kContext, plain()), {});
  std::atomic<int> n_ended = 0;
  bool has_room = true;
  EXPECT_EQ(take_pages(*scheduler, 9, n_ended, &has_room).get(), 0);
  EXPECT_FALSE(has_room);
}

}  // namespace
}  // namespace ondol
