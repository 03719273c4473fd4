// How texts of a scheduler end: by themselves, by rules, by being cancelled at any stage, by being refused.
#include <atomic>

#include <gtest/gtest.h>

#include "tests/runtime/scheduling.h"

namespace ondol {
namespace {

constexpr int kVocabulary = 256;

std::unique_ptr<Scheduler> start(int64_t context = 2048, SchedulerOptions options = {}) {
  EngineOptions engine;
  engine.cpu.n_threads = 1;
  return Scheduler::start(open(sample_model(), context, engine), options);
}

std::shared_ptr<Collector> send(Scheduler& scheduler, GenerationRequest request, Scheduler::Id* id = nullptr) {
  auto sink = std::make_shared<Collector>();
  const auto sent = scheduler.submit(std::move(request), sink);
  EXPECT_TRUE(sent) << sent.error().message();
  if (id != nullptr && sent) *id = *sent;
  return sink;
}

TEST(SchedulerEnds, RefusesWhatCannotBe) {
  const auto scheduler = start(512);
  const auto sink = std::make_shared<Collector>();
  const auto error_of = [&](GenerationRequest request) {
    const auto sent = scheduler->submit(std::move(request), sink);
    return sent ? std::string() : sent.error().message();
  };
  const std::string too_long = error_of(request_of(random_prompt(1, 513, kVocabulary), 1));
  EXPECT_NE(too_long.find("513"), std::string::npos) << too_long;
  EXPECT_NE(too_long.find("512"), std::string::npos) << too_long;
  EXPECT_NE(error_of(request_of({}, 1)), "");
  EXPECT_NE(error_of(request_of({-1}, 1)), "");
  EXPECT_NE(error_of(request_of({1 << 30}, 1)), "");
  GenerationRequest hot = request_of({1}, 1);
  hot.sampler.temperature = -1;
  EXPECT_NE(error_of(std::move(hot)), "");
  EXPECT_EQ(scheduler->stats().n_requests, 0u);
  EXPECT_EQ(sink->n_ends, 0);
}

TEST(SchedulerEnds, RefusesWhenTooManyWait) {
  const auto scheduler = start(2048, {.max_running = 1, .max_waiting = 3});
  std::vector<std::shared_ptr<Collector>> sinks;
  {
    const Hold hold(*scheduler);
    for (int i = 0; i < 3; ++i) sinks.push_back(send(*scheduler, request_of({1, 2}, 2)));
    EXPECT_TRUE(scheduler->is_busy());
    EXPECT_EQ(scheduler->stats().n_waiting, 3);
    EXPECT_FALSE(scheduler->submit(request_of({1}, 1), std::make_shared<Collector>()));
  }
  for (const auto& sink : sinks) sink->wait();
  EXPECT_TRUE(scheduler->drain(60));
  EXPECT_FALSE(scheduler->is_busy());
  const auto late = scheduler->submit(request_of({1}, 1), std::make_shared<Collector>());
  ASSERT_FALSE(late);
  EXPECT_NE(late.error().message().find("shutting down"), std::string::npos);
}

TEST(SchedulerEnds, DrainGivesUpAfterItsTime) {
  const auto scheduler = start();
  const auto sink = send(*scheduler, request_of({1, 2, 3}, -1));
  EXPECT_FALSE(scheduler->drain(0.01));
}

TEST(SchedulerEnds, ByStopTextWhichIsNotShown) {
  const auto scheduler = start();
  const auto whole = send(*scheduler, request_of({1, 2, 3}, 40));
  whole->wait();
  ASSERT_GT(whole->text.size(), 12u);
  GenerationRequest request = request_of({1, 2, 3}, 40);
  const std::string stop = whole->text.substr(8, 3);
  request.stop = {"\x01 never", stop};
  const auto cut = send(*scheduler, std::move(request));
  cut->wait();
  EXPECT_EQ(cut->end.reason, StopReason::kStopText);
  EXPECT_EQ(cut->end.stop_text, stop);
  EXPECT_EQ(cut->text, whole->text.substr(0, whole->text.find(stop)));
}

TEST(SchedulerEnds, ByNumberOfTokens) {
  const auto scheduler = start();
  for (const int n : {0, 1, 5}) {
    const auto sink = send(*scheduler, request_of({1, 2, 3}, n));
    sink->wait();
    EXPECT_EQ(sink->end.reason, StopReason::kMaxTokens);
    EXPECT_EQ(sink->end.n_generated, n);
    EXPECT_EQ(sink->tokens.size(), static_cast<size_t>(n));
    EXPECT_EQ(sink->end.n_prompt, 3);
    EXPECT_GE(sink->end.prompt_seconds, 0);
  }
}

TEST(SchedulerEnds, CancelledWhereverItIs) {
  const auto scheduler = start(2048, {.max_running = 1, .prefill_rows = 32});
  Scheduler::Id waiting_id = 0;
  Scheduler::Id twice_id = 0;
  std::shared_ptr<Collector> waiting, twice;
  {
    const Hold hold(*scheduler);
    waiting = send(*scheduler, request_of({1, 2}, 5), &waiting_id);
    twice = send(*scheduler, request_of({1, 2}, 5), &twice_id);
    scheduler->cancel(waiting_id);
    scheduler->cancel(twice_id);
    scheduler->cancel(twice_id);
    scheduler->cancel(999999);
  }
  waiting->wait();
  twice->wait();
  EXPECT_EQ(waiting->end.reason, StopReason::kCancelled);
  EXPECT_TRUE(waiting->tokens.empty());

  const auto reading = std::make_shared<Collector>();
  reading->at_prompt = [](int done) { return done < 200; };
  ASSERT_TRUE(scheduler->submit(request_of(random_prompt(1, 1000, kVocabulary), 5), reading));
  reading->wait();
  EXPECT_EQ(reading->end.reason, StopReason::kCancelled);
  EXPECT_LT(reading->prompt_done.back(), 300);

  const auto writing = std::make_shared<Collector>();
  writing->at_token = [](size_t n) { return n < 7; };
  ASSERT_TRUE(scheduler->submit(request_of({4, 5}, 100), writing));
  writing->wait();
  EXPECT_EQ(writing->end.reason, StopReason::kCancelled);
  EXPECT_EQ(writing->tokens.size(), 7u);
  EXPECT_EQ(writing->end.n_generated, 7);

  Scheduler::Id running_id = 0;
  const auto running = std::make_shared<Collector>();
  running->at_token = [&](size_t n) {
    if (n == 3) scheduler->cancel(running_id);
    return true;
  };
  {
    const Hold hold(*scheduler);
    running_id = scheduler->submit(request_of({4, 5}, -1), running).value();
  }
  running->wait();
  EXPECT_EQ(running->end.reason, StopReason::kCancelled);
  EXPECT_LE(running->tokens.size(), 4u);
  EXPECT_TRUE(scheduler->drain(60));
  EXPECT_EQ(scheduler->stats().n_cancelled, 5u);
  EXPECT_EQ(scheduler->stats().n_pages_used, 0);
}

TEST(SchedulerEnds, TheEndOfTheSchedulerCancelsEverything) {
  std::vector<std::shared_ptr<Collector>> sinks;
  bool has_run = false;
  {
    const auto scheduler = start(2048, {.max_running = 2});
    for (int i = 0; i < 6; ++i) sinks.push_back(send(*scheduler, request_of({1, i}, -1)));
    scheduler->post([&](Engine&) { has_run = true; });
  }
  for (const auto& sink : sinks) {
    EXPECT_EQ(sink->n_ends, 1);
    EXPECT_EQ(sink->end.reason, StopReason::kCancelled);
  }
  EXPECT_TRUE(has_run);
}

TEST(SchedulerEnds, JobsRunBetweenPassesAndFindRoom) {
  const auto scheduler = start(256, {.speculate = 4});
  std::vector<TokenId> expected;
  {
    const auto engine = open(sample_model(), 256);
    expected = alone(*engine, request_of({1, 2, 3}, 60));
  }
  send(*scheduler, request_of(random_prompt(1, 240, kVocabulary), 1))->wait();  // fills the prefix cache
  std::atomic<int> n_done = 0;
  const auto sink = std::make_shared<Collector>();
  sink->at_token = [&](size_t) {
    scheduler->post([&](Engine& engine) {
      Session session(engine);
      n_done += session.sync(random_prompt(static_cast<uint64_t>(n_done), 100, kVocabulary)) ? 1 : 0;
    });
    return true;
  };
  ASSERT_TRUE(scheduler->submit(request_of({1, 2, 3}, 60), sink));
  sink->wait();
  EXPECT_TRUE(scheduler->drain(60));
  EXPECT_GE(n_done, 59);
  EXPECT_EQ(sink->tokens, expected);
}

TEST(SchedulerEnds, ReportsChances) {
  const auto scheduler = start();
  GenerationRequest request = request_of({1, 2, 3}, 10);
  request.n_best = 3;
  const auto sink = send(*scheduler, std::move(request));
  sink->wait();
  for (const TokenEvent& event : sink->events) {
    ASSERT_EQ(event.best.size(), 3u);
    EXPECT_EQ(event.best[0].token, event.token);  // greedy
    EXPECT_EQ(event.best[0].logprob, event.logprob);
    EXPECT_GE(event.best[0].logprob, event.best[1].logprob);
    EXPECT_GE(event.best[1].logprob, event.best[2].logprob);
    EXPECT_LT(event.logprob, 0);
  }
}

/// Thousands of requests and cancels from several threads at once: every one ends once, and no page is lost.
TEST(SchedulerThreads, RandomRequestsAndCancels) {
  const auto scheduler = start(512, {.max_running = 6, .max_waiting = 40, .prefill_rows = 64});
  constexpr int kThreads = 4;
  constexpr int kRequests = 500;
  std::vector<std::shared_ptr<Collector>> accepted[kThreads];
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Random random(static_cast<uint64_t>(t));
      const auto below = [&](uint64_t n) { return random.next() % n; };
      for (int i = 0; i < kRequests; ++i) {
        auto sink = std::make_shared<Collector>();
        if (below(6) == 0) sink->at_token = [n = 1 + below(5)](size_t seen) { return seen < n; };
        GenerationRequest request = request_of(random_prompt(below(8), 1 + below(90), kVocabulary), 1 + int(below(12)));
        request.client = std::to_string(below(3));
        request.sampler.temperature = below(2) == 0 ? 0.0f : 1.0f;
        const auto id = scheduler->submit(std::move(request), sink);
        if (id) accepted[t].push_back(sink);
        if (id && below(3) == 0) scheduler->cancel(*id);
        if (below(50) == 0) scheduler->post([](Engine& engine) { EXPECT_GE(engine.cache().n_free_pages(), 0); });
        while (scheduler->is_busy()) std::this_thread::yield();
        (void)scheduler->stats();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(scheduler->drain(300));
  size_t n = 0;
  for (const auto& sinks : accepted) {
    for (const auto& sink : sinks) EXPECT_EQ(sink->n_ends, 1);
    n += sinks.size();
  }
  EXPECT_GT(n, 500u);
  const SchedulerStats stats = scheduler->stats();
  EXPECT_EQ(stats.n_requests, n);
  EXPECT_EQ(stats.n_pages_used, 0);
  int n_free = -1;
  scheduler->post([&](Engine& engine) {
    KvSequence all(engine.cache());
    EXPECT_TRUE(all.append(engine.cache().n_pages() * kPageTokens));
    all.truncate(0);
    n_free = engine.cache().n_free_pages();
  });
  while (scheduler->stats().n_pages_cached > 0) std::this_thread::yield();
  EXPECT_EQ(n_free, stats.n_pages);
}

}  // namespace
}  // namespace ondol
