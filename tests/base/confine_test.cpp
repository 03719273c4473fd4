// What a confined process may no longer do. Each test confines a child; its exit status says what happened.
#include "base/confine.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include <gtest/gtest.h>

namespace ondol {
namespace {

namespace fs = std::filesystem;

constexpr int kDone = 10, kRefused = 11, kNoFilter = 12, kNoLandlock = 13;

class ConfineTest : public testing::Test {
 protected:
  ConfineTest() : folder_(fs::temp_directory_path() / ("ondol-confine-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_ / "open");
    std::ofstream(folder_ / "open/file") << "x";
    std::ofstream(folder_ / "closed") << "x";
  }
  ~ConfineTest() override { fs::remove_all(folder_); }

  /// The child's exit status; `may` says whether it could do it.
  int status_of(const std::function<bool()>& may, bool needs_filter, bool needs_landlock) {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto confined = confine_process({{folder_ / "open"}, false, uint64_t{1} << 40, 60});
      if (!confined) ::_exit(1);
      if (needs_filter && !confined->system_calls) ::_exit(kNoFilter);
      if (needs_landlock && !confined->files) ::_exit(kNoLandlock);
      ::_exit(may() ? kDone : kRefused);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  bool can_open(const fs::path& path, int flags) const {
    const int fd = ::open(path.c_str(), flags, 0600);
    if (fd >= 0) ::close(fd);
    return fd >= 0;
  }

  fs::path folder_;
};

#define EXPECT_STATUS(status, wanted)                                                    \
  do {                                                                                   \
    const int got = (status);                                                            \
    if (got == kNoFilter) GTEST_SKIP() << "this system refuses filters of system calls"; \
    if (got == kNoLandlock) GTEST_SKIP() << "this kernel has no Landlock";               \
    EXPECT_EQ(got, wanted);                                                              \
  } while (false)

TEST_F(ConfineTest, NamedFilesCanBeRead) {
  EXPECT_STATUS(status_of([&] { return can_open(folder_ / "open/file", O_RDONLY); }, false, false), kDone);
}

TEST_F(ConfineTest, OtherFilesCannot) {
  EXPECT_STATUS(status_of([&] { return can_open(folder_ / "closed", O_RDONLY); }, false, true), kRefused);
}

TEST_F(ConfineTest, NothingCanBeWritten) {
  EXPECT_STATUS(status_of([&] { return can_open(folder_ / "open/file", O_WRONLY); }, true, false), kRefused);
  EXPECT_STATUS(status_of([&] { return can_open(folder_ / "open/new", O_RDWR | O_CREAT); }, true, false), kRefused);
  EXPECT_TRUE(!fs::exists(folder_ / "open/new"));
}

TEST_F(ConfineTest, NoSocketsProcessesOrPrograms) {
  EXPECT_STATUS(status_of([] { return ::socket(AF_INET, SOCK_STREAM, 0) >= 0; }, true, false), kRefused);
  EXPECT_STATUS(status_of([] { return ::fork() >= 0; }, true, false), kRefused);
  EXPECT_STATUS(status_of(
                    [] {
                      char name[] = "true";
                      char* arguments[] = {name, nullptr};
                      return ::execv("/bin/true", arguments) == 0;
                    },
                    true, false),
                kRefused);
}

}  // namespace
}  // namespace ondol
