#include "base/thread_pool.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <thread>

#include "base/processors.h"

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

class CgroupLimit : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = ::testing::TempDir() + "/ondol_cgroup_test";
    std::filesystem::remove_all(root_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path full = root_ + "/" + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }

  std::string root_;
};

TEST_F(CgroupLimit, ReadsVersion2AndItsAncestors) {
  write("a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(cgroup_processor_limit(root_, "0::/a/b\n"), 0);
  write("a/cpu.max", "250000 100000\n");
  EXPECT_EQ(cgroup_processor_limit(root_, "0::/a/b\n"), 3);
  write("a/b/cpu.max", "50000 100000\n");
  EXPECT_EQ(cgroup_processor_limit(root_, "0::/a/b\n"), 1);
  EXPECT_EQ(cgroup_processor_limit(root_, "0::/a\n"), 3);
}

TEST_F(CgroupLimit, ReadsTheRootInsideAContainer) {
  write("cpu.max", "200000 100000\n");
  EXPECT_EQ(cgroup_processor_limit(root_, "0::/\n"), 2);
  EXPECT_EQ(cgroup_processor_limit(root_, "0::/not/visible/here\n"), 2);
}

TEST_F(CgroupLimit, ReadsVersion1) {
  write("cpu/docker/x/cpu.cfs_quota_us", "400000\n");
  write("cpu/docker/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_processor_limit(root_, "3:cpuset:/\n2:cpu,cpuacct:/docker/x\n"), 4);
  write("cpu/docker/x/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cgroup_processor_limit(root_, "2:cpu,cpuacct:/docker/x\n"), 0);
}

TEST_F(CgroupLimit, IgnoresWhatItCannotRead) {
  EXPECT_EQ(cgroup_processor_limit(root_, ""), 0);
  EXPECT_EQ(cgroup_processor_limit(root_, "nonsense\n::\n0:\n"), 0);
  write("cpu.max", "what is this\n");
  EXPECT_EQ(cgroup_processor_limit(root_, "0::/\n"), 0);
}

TEST(UsableProcessors, IsAtLeastOne) {
  EXPECT_GE(usable_processors(), 1);
}

}  // namespace
}  // namespace ondol
