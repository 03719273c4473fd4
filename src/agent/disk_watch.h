// DiskWatch: how much a folder has grown since the watch began, while programs that must not fill the disk write in it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace ondol {

struct DiskUse {
  uint64_t bytes = 0;  // on disk
  int64_t entries = 0;
  bool is_too_deep = false;  // folders in folders without end: not all was counted
};

/// What lies below a folder, without following links. Folders that cannot be read count as empty.
DiskUse measure_disk_use(const std::string& folder);

/// Sockets below a folder: doors to other programs. Paths from the folder on.
std::vector<std::string> find_sockets(const std::string& folder);

class DiskWatch {
 public:
  DiskWatch(std::vector<std::string> folders, uint64_t most_bytes, int64_t most_entries);

  /// Whether the limits are passed, or the disk is nearly full. Cheap: it looks through the folders only as often as
  /// that takes little of the time, and at once where the file system has lost much space.
  bool is_over();
  /// Looks now. A program that ended fast has still to be held to its limits.
  bool is_over_now();
  /// The file system has lost more than the limit, so files without names must be counted as well.
  bool has_lost_space() const;

 private:
  struct Free {
    uint64_t bytes = 0;
    uint64_t entries = 0;
  };
  using Clock = std::chrono::steady_clock;

  Free free_now() const;
  DiskUse measure() const;

  std::vector<std::string> folders_;
  uint64_t most_bytes_;
  int64_t most_entries_;
  DiskUse before_;
  Free free_before_;
  Clock::time_point next_look_;
  Clock::duration look_time_{};
};

}  // namespace ondol
