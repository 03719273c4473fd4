#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>

namespace ondol {
namespace {

TEST(ThreadPool, CoversEveryElementOnceWithinTheGrain) {
  for (const int n_threads : {1, 2, 3, 7}) {
    ThreadPool pool(n_threads);
    EXPECT_EQ(pool.size(), n_threads);
    for (const int64_t n : {0, 1, 5, 64, 1000}) {
      for (const int64_t grain : {1, 3, 64, 5000}) {
        std::vector<std::atomic<int>> visits(static_cast<size_t>(n));
        std::atomic<bool> fits = true;
        pool.run(n, grain, [&](int64_t begin, int64_t end, int thread) {
          if (end - begin > grain || thread < 0 || thread >= n_threads) fits = false;
          for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
        });
        EXPECT_TRUE(fits);
        for (const auto& count : visits) ASSERT_EQ(count, 1) << n_threads << " " << n << " " << grain;
      }
    }
  }
}

TEST(ThreadPool, EveryLoopSeesWhatTheOneBeforeWrote) {
  ThreadPool pool(3);
  std::vector<int64_t> values(257);
  for (int round = 0; round < 3000; ++round) {
    pool.run(static_cast<int64_t>(values.size()), 16, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) values[static_cast<size_t>(i)] += values[static_cast<size_t>(i)] == round;
    });
  }
  EXPECT_EQ(std::accumulate(values.begin(), values.end(), int64_t{0}), 3000 * 257);
}

TEST(ThreadPool, NeitherThreadNumbersNorLoopsOverlap) {
  ThreadPool pool(4);
  std::vector<std::atomic<int>> busy(4);
  std::atomic<bool> overlapped = false;
  for (int round = 0; round < 300; ++round) {
    pool.run(40, 1, [&](int64_t, int64_t, int thread) {
      if (busy[static_cast<size_t>(thread)].fetch_add(1) != 0) overlapped = true;
      busy[static_cast<size_t>(thread)].fetch_sub(1);
    });
    for (const auto& count : busy) ASSERT_EQ(count, 0);
  }
  EXPECT_FALSE(overlapped);
}

TEST(ThreadPool, AnEndedLoopWaitsForItsSlowestChunk) {
  ThreadPool pool(2);
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> done = 0;
    pool.run(2, 1, [&](int64_t begin, int64_t, int) {
      if (begin == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ++done;
    });
    ASSERT_EQ(done, 2);
  }
}

TEST(ThreadPool, WorkersSleepWhenThereIsNothingToDo) {
  ThreadPool pool(2);
  pool.run(2, 1, [](int64_t, int64_t, int) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double used_ms = 1000.0 * static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(used_ms, 50.0);
}

Seat seat_on(int node, double speed = 1) {
  return {node, speed, {}};
}

TEST(ThreadPool, CoversEveryElementOnceOnAnySeats) {
  const std::vector<std::vector<Seat>> all = {
      {seat_on(0), seat_on(1)},
      {seat_on(0), seat_on(1), seat_on(1, 0.3)},
      {seat_on(2), seat_on(0), seat_on(1)},
      {seat_on(0, 0.2), seat_on(0), seat_on(0)},  // a slow caller
      {seat_on(0), seat_on(0, 0.1), seat_on(0, 0.5)},
  };
  for (const auto& seats : all) {
    ThreadPool pool(seats);
    for (const int64_t n : {1, 2, 3, 10, 1001}) {
      for (const int64_t grain : {1, 7, 64}) {
        std::vector<std::atomic<int>> visits(static_cast<size_t>(n));
        std::atomic<bool> is_aligned = true;
        pool.run(n, grain, [&](int64_t begin, int64_t end, int) {
          if (begin % grain != 0) is_aligned = false;  // chunks are the same on all seats
          for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
        });
        EXPECT_TRUE(is_aligned);
        for (const auto& count : visits) ASSERT_EQ(count, 1) << n << " " << grain;
      }
    }
  }
}

/// Until `is_so`, or for so long that a test fails: threads may wake late on a busy machine.
template <typename Condition>
void wait_until(Condition is_so) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!is_so() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
}

/// Which of two threads does each of 16 chunks, the first of which begin together.
std::vector<int> doers(const std::vector<Seat>& seats) {
  ThreadPool pool(seats);
  std::vector<int> threads(16, -1);
  std::atomic<bool> began[2] = {};
  pool.run(16, 1, [&](int64_t begin, int64_t, int thread) {
    began[thread] = true;
    wait_until([&] { return began[0] && began[1]; });
    threads[static_cast<size_t>(begin)] = thread;
    const double milliseconds = 5 / seats[static_cast<size_t>(thread)].speed;
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(milliseconds));
  });
  return threads;
}

TEST(ThreadPool, EachNodeBeginsWithItsOwnPart) {
  const std::vector<int> threads = doers({seat_on(0), seat_on(1)});
  EXPECT_EQ(threads[0], 0);
  EXPECT_EQ(threads[1], 0);
  EXPECT_EQ(threads[8], 1);
  EXPECT_EQ(threads[9], 1);
}

TEST(ThreadPool, ANodeThatIsDoneHelpsTheOthers) {
  ThreadPool pool({seat_on(0), seat_on(1)});
  std::atomic<int> by_second = 0;
  pool.run(16, 1, [&](int64_t, int64_t, int thread) {
    if (thread == 0) return wait_until([&] { return by_second > 8; });
    ++by_second;
  });
  EXPECT_GT(by_second, 8);
}

TEST(ThreadPool, ASlowThreadLeavesTheLastChunksToAFasterOne) {
  const std::vector<int> threads = doers({seat_on(0), seat_on(0, 0.25)});
  EXPECT_NE(std::count(threads.begin(), threads.end(), 1), 0);
  for (size_t i = 12; i < 16; ++i) EXPECT_EQ(threads[i], 0) << i;
}

}  // namespace
}  // namespace ondol
