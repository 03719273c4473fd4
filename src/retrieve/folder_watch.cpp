#include "retrieve/folder_watch.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "retrieve/file_walk.h"

namespace ondol {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSliceMs = 200;
/// Folders that never come to rest are told about after so many times the wanted rest.
constexpr int kMostRests = 10;

constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY |
                             IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

int ms_since(Clock::time_point start) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count());
}

}  // namespace

Result<FolderWatch> FolderWatch::start(std::vector<std::string> paths) {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return Error(fmt::format("folders cannot be watched: {}", std::strerror(errno)));
  FolderWatch watch(fd, std::move(paths));
  watch.watch_all();
  return watch;
}

FolderWatch::FolderWatch(FolderWatch&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      paths_(std::move(other.paths_)),
      watches_(std::move(other.watches_)),
      n_unwatched_(other.n_unwatched_) {}

FolderWatch::~FolderWatch() {
  if (fd_ >= 0) ::close(fd_);
}

/// All anew: folders may have been moved, and their old watches would speak of other places. A folder that was watched
/// before keeps its number, so only what is gone is taken away.
void FolderWatch::watch_all() {
  std::vector<int> before = std::move(watches_);
  watches_.clear();
  n_unwatched_ = 0;
  for (const std::string& folder : find_folders(paths_)) {
    const int watch = ::inotify_add_watch(fd_, folder.c_str(), kEvents);
    if (watch >= 0) {
      watches_.push_back(watch);
    } else if (errno != ENOENT && errno != ENOTDIR) {
      ++n_unwatched_;
    }
  }
  const std::set<int> now(watches_.begin(), watches_.end());
  for (const int watch : before) {
    if (!now.contains(watch)) ::inotify_rm_watch(fd_, watch);
  }
}

bool FolderWatch::is_readable_within(int ms) const {
  pollfd wanted{fd_, POLLIN, 0};
  return ::poll(&wanted, 1, ms) > 0;
}

void FolderWatch::drain() const {
  char events[16384];
  while (::read(fd_, events, sizeof events) > 0) {
  }
}

bool FolderWatch::wait(int timeout_ms, int settle_ms, const std::function<bool()>& stops) {
  const Clock::time_point start = Clock::now();
  while (!is_readable_within(std::min(kSliceMs, std::max(0, timeout_ms - ms_since(start))))) {
    if (stops() || ms_since(start) >= timeout_ms) return false;
  }
  const Clock::time_point changed = Clock::now();
  do {
    drain();
    if (stops()) return false;
  } while (ms_since(changed) < kMostRests * settle_ms && is_readable_within(settle_ms));
  watch_all();
  return true;
}

}  // namespace ondol
