#include "hub/download.h"

#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/files.h"
#include "hub/download_state.h"
#include "hub/part_on_disk.h"
#include "hub/sha256.h"
#include "tests/hub/test_server.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMiB = size_t{1} << 20;

class DownloadTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_);
    options_.first_delay_ms = 10;
    options_.max_delay_ms = 50;
    options_.state_every_bytes = 256 << 10;
    options_.http.stall_timeout_ms = 1000;
    options_.progress = [this](const DownloadProgress& progress) {
      if (progress.stage != DownloadProgress::Stage::kDownloading) return;
      EXPECT_GE(progress.done_bytes, shown_) << "progress went backwards";
      EXPECT_LE(progress.done_bytes, progress.total_bytes);
      shown_ = progress.done_bytes;
      if (on_progress_) on_progress_(progress);
    };
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string sum_of(const std::string& content) {
    const std::string path = (folder_ / "sum").string();
    std::ofstream(path, std::ios::binary) << content;
    return *sha256_of_file(path);
  }

  DownloadRequest request(const TestServer& server, const std::string& sum = "") {
    const DownloadSource source{server.url("/file"), {}, content_.size(), sum.empty() ? "version-1" : sum, ""};
    return {path_, sum, [source] { return Result<DownloadSource>(source); }};
  }

  std::string read(const std::string& path) { return *read_file(path); }

  const fs::path folder_ = fs::temp_directory_path() / fmt::format("ondol-download-{}", ::getpid());
  const std::string path_ = (folder_ / "model.gguf").string();
  std::string content_ = noise(5 * kMiB + 12345);
  DownloadOptions options_;
  uint64_t shown_ = 0;
  std::function<void(const DownloadProgress&)> on_progress_;
};

TEST_F(DownloadTest, FetchesRangesOverSeveralConnections) {
  TestServer server([this](const TestRequest& r) {
    TestReply reply = ranged(r, content_);
    reply.ms_per_64k = 5;
    return reply;
  });
  const auto done = download(request(server, sum_of(content_)), options_);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(read(path_), content_);
  EXPECT_EQ(server.n_connections(), 4u);
  EXPECT_GE(server.requests().size(), 5u);
  EXPECT_EQ(server.sent_bytes(), content_.size());
  EXPECT_EQ(shown_, content_.size());
  EXPECT_FALSE(fs::exists(path_ + ".part"));
  EXPECT_FALSE(fs::exists(path_ + ".part.state"));
}

TEST_F(DownloadTest, CutConnectionsAreContinued) {
  TestServer server([this](const TestRequest& r) {
    TestReply reply = ranged(r, content_);
    reply.cut_after = 200 << 10;
    return reply;
  });
  const auto done = download(request(server, sum_of(content_)), options_);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(read(path_), content_);
  EXPECT_LT(server.sent_bytes(), content_.size() + kMiB);
}

TEST_F(DownloadTest, ADamagedFileIsNotInstalled) {
  TestServer server([this](const TestRequest& r) { return ranged(r, content_); });
  const auto done = download(request(server, sum_of("something else")), options_);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message().find("damaged"), std::string::npos) << done.error().message();
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_FALSE(fs::exists(path_ + ".part"));
  EXPECT_FALSE(fs::exists(path_ + ".part.state"));
}

TEST_F(DownloadTest, WaitsAsLongAsTheServerAsks) {
  std::atomic<int> n = 0;
  TestServer server([&](const TestRequest& r) {
    if (n++ == 0) return TestReply{429, {"Retry-After: 1"}, "slow down"};
    return ranged(r, content_);
  });
  options_.n_connections = 1;
  const auto start = std::chrono::steady_clock::now();
  const auto done = download(request(server), options_);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(950));
  EXPECT_EQ(read(path_), content_);
}

TEST_F(DownloadTest, AServerThatAsksForTooLongAWaitIsAnError) {
  TestServer server([](const TestRequest&) { return TestReply{429, {"Retry-After: 86400"}, ""}; });
  const auto done = download(request(server), options_);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message().find("86400"), std::string::npos) << done.error().message();
}

TEST_F(DownloadTest, ServersWithoutRangesWork) {
  std::atomic<int> n = 0;
  TestServer server([&](const TestRequest&) {
    TestReply reply{200, {}, content_};
    if (n++ < 7) reply.cut_after = 2 * kMiB;  // also when they break off
    return reply;
  });
  const auto done = download(request(server, sum_of(content_)), options_);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(read(path_), content_);
}

TEST_F(DownloadTest, ServerErrorsPassAndLastingOnesAreReported) {
  std::atomic<int> n = 0;
  TestServer flaky([&](const TestRequest& r) { return n++ % 3 == 0 ? TestReply{503, {}, "x"} : ranged(r, content_); });
  EXPECT_TRUE(download(request(flaky), options_));
  EXPECT_EQ(read(path_), content_);
  fs::remove(path_);
  shown_ = 0;
  options_.max_failures = 3;
  TestServer broken([](const TestRequest&) { return TestReply{500, {}, "x"}; });
  const auto done = download(request(broken), options_);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message().find("the server answered 500"), std::string::npos) << done.error().message();
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(DownloadTest, AStalledConnectionIsGivenUp) {
  std::atomic<int> n = 0;
  TestServer server([&](const TestRequest& r) {
    TestReply reply = ranged(r, content_);
    if (n++ == 1) reply.stall_after = 100 << 10;
    return reply;
  });
  const auto done = download(request(server, sum_of(content_)), options_);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(read(path_), content_);
}

TEST_F(DownloadTest, AfterCtrlCTheRestIsFetched) {
  std::atomic<bool> cancel = false;
  TestServer slow([this](const TestRequest& r) {
    TestReply reply = ranged(r, content_);
    reply.ms_per_64k = 20;
    return reply;
  });
  options_.cancel = &cancel;
  on_progress_ = [&](const DownloadProgress& progress) {
    if (progress.done_bytes > 2 * kMiB) cancel = true;
  };
  const auto stopped = download(request(slow), options_);
  ASSERT_FALSE(stopped);
  EXPECT_NE(stopped.error().message().find("stopped"), std::string::npos) << stopped.error().message();
  EXPECT_FALSE(fs::exists(path_));
  const uint64_t before = shown_;
  ASSERT_GT(before, 2 * kMiB);

  cancel = false;
  on_progress_ = nullptr;
  TestServer fast([this](const TestRequest& r) { return ranged(r, content_); });
  const auto done = download(request(fast), options_);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(read(path_), content_);
  EXPECT_LE(fast.sent_bytes(), content_.size() - before + 64 * 1024);
}

// What lies on the disk in the middle of a download is what a killed process leaves.
TEST_F(DownloadTest, AKilledProcessLosesLittle) {
  TestServer slow([this](const TestRequest& r) {
    TestReply reply = ranged(r, content_);
    reply.ms_per_64k = 20;
    return reply;
  });
  uint64_t done_then = 0;
  const std::string other = (folder_ / "after-kill.gguf").string();
  on_progress_ = [&](const DownloadProgress& progress) {
    if (done_then > 0 || progress.done_bytes < 3 * kMiB) return;
    done_then = progress.done_bytes;
    fs::copy_file(path_ + ".part.state", other + ".part.state");
    fs::copy_file(path_ + ".part", other + ".part");
  };
  ASSERT_TRUE(download(request(slow), options_));
  ASSERT_GT(done_then, 0u);
  shown_ = 0;
  TestServer fast([this](const TestRequest& r) { return ranged(r, content_); });
  DownloadRequest again = request(fast);
  again.path = other;
  ASSERT_TRUE(download(again, options_));
  EXPECT_EQ(read(other), content_);
  EXPECT_LE(fast.sent_bytes(), content_.size() - done_then + 2 * options_.state_every_bytes);
}

TEST_F(DownloadTest, APartOfAnotherVersionIsThrownAway) {
  {
    auto part = PartOnDisk::open(path_, content_.size(), "version-0", 1);
    ASSERT_TRUE(part);
    ASSERT_TRUE((*part)->write(0, std::string(3 * kMiB, 'x')));
  }
  TestServer server([this](const TestRequest& r) { return ranged(r, content_); });
  ASSERT_TRUE(download(request(server), options_));
  EXPECT_EQ(read(path_), content_);
}

TEST_F(DownloadTest, ADamagedStateBeginsAnew) {
  for (const std::string state :
       {"", "{", "[]", R"({"version":1,"size":-5})", R"({"version":1,"size":5,"identity":"version-1","done":[[0,99]]})",
        R"({"version":1,"size":9,"identity":"a","done":[[5,6],[1,2]]})", R"({"version":1,"size":9,"done":[[1,1]]})"}) {
    std::ofstream(path_ + ".part") << "old";
    std::ofstream(path_ + ".part.state") << state;
    TestServer server([this](const TestRequest& r) { return ranged(r, content_); });
    shown_ = 0;
    ASSERT_TRUE(download(request(server), options_)) << state;
    EXPECT_EQ(read(path_), content_) << state;
  }
}

TEST_F(DownloadTest, AnExpiredAddressIsAskedForAgain) {
  TestServer server([this](const TestRequest& r) {
    return r.path.ends_with("fresh") ? ranged(r, content_) : TestReply{403, {}, "expired"};
  });
  int n = 0;
  DownloadRequest wanted = request(server);
  wanted.locate = [&]() -> Result<DownloadSource> {
    return DownloadSource{server.url(n++ == 0 ? "/file?old" : "/file?fresh"), {}, content_.size(), "version-1", ""};
  };
  ASSERT_TRUE(download(wanted, options_));
  EXPECT_EQ(read(path_), content_);
  EXPECT_GE(n, 2);
}

TEST_F(DownloadTest, AFileThatChangesMeanwhileIsAnError) {
  TestServer server([this](const TestRequest& r) { return ranged(r, content_ + "more"); });
  const auto done = download(request(server), options_);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message().find("changed on the server"), std::string::npos) << done.error().message();
}

TEST_F(DownloadTest, AFullDiskIsNoticedBefore) {
  TestServer server([this](const TestRequest& r) { return ranged(r, content_); });
  options_.free_bytes = [](const std::string&) { return Result<uint64_t>(uint64_t{1000}); };
  const auto done = download(request(server), options_);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message().find("not enough space"), std::string::npos) << done.error().message();
  EXPECT_TRUE(server.requests().empty());
  EXPECT_FALSE(fs::exists(path_ + ".part"));
}

TEST_F(DownloadTest, ALimitOfTheFileSystemIsAnError) {
  TestServer server([this](const TestRequest& r) { return ranged(r, content_); });
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{kMiB, old.rlim_max};
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto done = download(request(server), options_);
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message().find("cannot reserve"), std::string::npos) << done.error().message();
  EXPECT_FALSE(fs::exists(path_ + ".part"));
}

TEST_F(DownloadTest, TwoProcessesDoNotFetchTheSameFile) {
  const auto first = PartOnDisk::open(path_, 10, "v", 1);
  ASSERT_TRUE(first);
  const auto second = PartOnDisk::open(path_, 10, "v", 1);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message().find("another process"), std::string::npos);
}

TEST_F(DownloadTest, AnEmptyFileIsAFile) {
  content_.clear();
  TestServer server([this](const TestRequest& r) { return ranged(r, content_); });
  ASSERT_TRUE(download(request(server), options_));
  EXPECT_EQ(fs::file_size(path_), 0u);
}

TEST(RangeSet, MergesAndTellsWhatIsMissing) {
  RangeSet set;
  set.add(10, 20);
  set.add(30, 40);
  set.add(20, 30);
  set.add(5, 5);
  set.add(50, 60);
  set.add(35, 55);
  EXPECT_EQ(set.ranges(), (std::vector<RangeSet::Range>{{10, 60}}));
  EXPECT_EQ(set.n_bytes(), 50u);
  EXPECT_EQ(set.missing(75, 10), (std::vector<RangeSet::Range>{{0, 10}, {60, 70}, {70, 75}}));
  EXPECT_EQ(set.missing(40, 100), (std::vector<RangeSet::Range>{{0, 10}}));
}

// Against a plain array of bytes.
TEST(RangeSet, HoldsWhatWasAdded) {
  uint64_t random = 7;
  const auto next = [&random](uint64_t n) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (random >> 33) % n;
  };
  for (int round = 0; round < 200; ++round) {
    RangeSet set;
    std::vector<bool> has(100, false);
    for (int i = 0; i < 12; ++i) {
      const uint64_t begin = next(100);
      const uint64_t end = begin + next(100 - begin + 1);
      set.add(begin, end);
      for (uint64_t at = begin; at < end; ++at) has[at] = true;
    }
    std::vector<bool> missing(100, true);
    for (const auto& [begin, end] : set.ranges()) {
      for (uint64_t at = begin; at < end; ++at) missing[at] = false;
    }
    std::vector<bool> told(100, false);
    for (const auto& [begin, end] : set.missing(100, 7)) {
      EXPECT_LE(end - begin, 7u);
      for (uint64_t at = begin; at < end; ++at) told[at] = true;
    }
    for (size_t at = 0; at < 100; ++at) {
      ASSERT_EQ(missing[at], !has[at]);
      ASSERT_EQ(told[at], !has[at]);
    }
  }
}

TEST(DownloadState, SurvivesTheWayToDisk) {
  DownloadState state{1000, "sum", {}};
  state.done.add(0, 10);
  state.done.add(500, 1000);
  const auto back = parse_download_state(serialize(state));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->size, 1000u);
  EXPECT_EQ(back->identity, "sum");
  EXPECT_EQ(back->done.ranges(), state.done.ranges());
}

TEST(Http, ReadsRetryAfter) {
  EXPECT_EQ(retry_after_seconds("120", 0, 5), 120);
  EXPECT_EQ(retry_after_seconds("Thu, 15 Jan 2026 09:30:10 GMT", 1768469400, 5), 10);
  EXPECT_EQ(retry_after_seconds("Thu, 15 Jan 2026 09:30:10 GMT", 1768469500, 5), 0);
  EXPECT_EQ(retry_after_seconds("soon", 0, 5), 5);
  EXPECT_EQ(retry_after_seconds("", 0, 5), 5);
}

TEST(Http, ComparesOrigins) {
  EXPECT_TRUE(same_origin("https://huggingface.co/a", "https://HUGGINGFACE.co:443/b?c"));
  EXPECT_FALSE(same_origin("https://huggingface.co", "http://huggingface.co"));
  EXPECT_FALSE(same_origin("https://huggingface.co", "https://huggingface.co.evil.org"));
  EXPECT_FALSE(same_origin("https://huggingface.co", "https://huggingface.co@evil.org/"));
  EXPECT_FALSE(same_origin("http://127.0.0.1:80", "http://127.0.0.1:81"));
  EXPECT_FALSE(same_origin("nonsense", "nonsense"));
}

}  // namespace
}  // namespace ondol
