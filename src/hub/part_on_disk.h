// PartOnDisk: PATH.part and PATH.part.state, the two files of an unfinished download. Safe for several threads.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/download_state.h"

namespace ondol {

class PartOnDisk {
 public:
  /// Continues what is there if it is of the same size and identity, and begins anew otherwise. Reserves the space.
  /// Fails if another process is downloading the same file.
  static Result<std::unique_ptr<PartOnDisk>> open(const std::string& path, uint64_t size, const std::string& identity,
                                                  uint64_t state_every_bytes);
  ~PartOnDisk();
  PartOnDisk(const PartOnDisk&) = delete;
  PartOnDisk& operator=(const PartOnDisk&) = delete;

  Result<void> write(uint64_t offset, std::span<const char> bytes);
  uint64_t done_bytes() const;
  std::vector<RangeSet::Range> missing(uint64_t piece) const;
  Result<void> save_state();

  const std::string& part_path() const { return part_path_; }
  /// Removes both files.
  void discard();
  /// Puts the finished file on the disk and gives it its name.
  Result<void> publish();

 private:
  PartOnDisk(std::string path, int fd, DownloadState state, uint64_t state_every_bytes);
  Error system_error(const char* action) const;

  const std::string path_, part_path_, state_path_;
  const uint64_t state_every_bytes_;
  int fd_;
  mutable std::mutex mutex_;
  DownloadState state_;
  uint64_t unsaved_bytes_ = 0;
};

/// Bytes of the disk that PATH.part has already reserved.
uint64_t reserved_bytes(const std::string& path);

}  // namespace ondol
