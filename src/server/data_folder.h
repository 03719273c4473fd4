// DataFolder: the folder in which a server keeps what outlives it. One server has it at a time; nothing is made in it
// before there is something to keep.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "base/result.h"

namespace ondol::server {

class DataFolder {
 public:
  /// An empty path: there is none, and claim() fails.
  explicit DataFolder(std::string path) : path_(std::move(path)) {}
  ~DataFolder();
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

  std::filesystem::path path() const { return path_; }
  bool exists() const;

  /// Makes the folder, if need be, and keeps other servers out of it until this object goes. Errors: whatever the
  /// system refuses, and a server that has it already. From any thread, any number of times.
  Result<void> claim();

 private:
  std::string path_;
  std::mutex mutex_;
  int lock_ = -1;
};

}  // namespace ondol::server
