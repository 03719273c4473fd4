// FolderWatch: tells when something below some paths has changed (inotify). What has changed is for a new walk to find
// out; so nothing is lost when the system forgets events.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace ondol {

class FolderWatch {
 public:
  /// Of the folders that find_files goes through, and of those that named files lie in. Error: no inotify.
  static Result<FolderWatch> start(std::vector<std::string> paths);
  FolderWatch(FolderWatch&& other) noexcept;
  FolderWatch& operator=(FolderWatch&&) = delete;
  ~FolderWatch();

  /// Waits until something has changed and it has been quiet for `settle_ms` (or is never quiet for long): true; or
  /// until `timeout_ms` have passed or `stops` says so, which is asked a few times a second: false. When it returns,
  /// folders that are new are watched, too, so a walk that begins afterwards misses nothing.
  bool wait(int timeout_ms, int settle_ms, const std::function<bool()>& stops);

  /// Folders that the system would not watch (its limit is fs.inotify.max_user_watches); they want a walk now and then.
  size_t n_unwatched() const { return n_unwatched_; }

 private:
  FolderWatch(int fd, std::vector<std::string> paths) : fd_(fd), paths_(std::move(paths)) {}
  void watch_all();
  bool is_readable_within(int ms) const;
  void drain() const;

  int fd_;
  std::vector<std::string> paths_;
  std::vector<int> watches_;
  size_t n_unwatched_ = 0;
};

}  // namespace ondol
