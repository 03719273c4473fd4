// FileStore: the files that clients sent to be kept (/v1/files), in a folder, also across restarts. A file is there
// when the JSON document about it is; whatever else a crash left is removed.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "server/data_folder.h"

namespace ondol::server {

struct KeptFile {
  std::string id;
  std::string owner;  // ownership.h
  std::string name;   // as the client called it
  std::string purpose;
  uint64_t size_bytes = 0;
  int64_t created_at = 0;  // Unix seconds
  std::string path;
};

struct FileLimits {
  uint64_t one_file_bytes = uint64_t{512} << 20;
  uint64_t all_files_bytes = uint64_t{8} << 30;
  size_t n_files = 10000;
};

class FileStore {
 public:
  /// `folder` must outlive it.
  explicit FileStore(DataFolder& folder, FileLimits limits = {}) : folder_(folder), limits_(limits) {}

  /// Reads what is there. Call once, first; the folder is claimed already.
  Result<void> load();

  const FileLimits& limits() const { return limits_; }

  /// A new path to write a file to that is on its way, which load() removes if it is left there. Errors: the folder.
  Result<std::string> new_upload();
  /// Counts bytes that are about to be written; false when there is no room for them. What is not kept is given back.
  bool reserve(uint64_t size_bytes);
  void give_back(uint64_t size_bytes) { used_bytes_ -= size_bytes; }

  /// Keeps the upload at `path`, whose bytes were reserved. `file` says owner, name, purpose and size. Errors: too many
  /// files, and whatever the system refuses; then the upload is still there.
  Result<KeptFile> keep(const std::string& path, KeptFile file);

  std::optional<KeptFile> find(const std::string& id, const std::string& asker) const;
  /// The newest first.
  std::vector<KeptFile> list(const std::string& asker) const;
  bool remove(const std::string& id, const std::string& asker);

 private:
  std::filesystem::path directory() const { return folder_.path() / "files"; }

  DataFolder& folder_;
  FileLimits limits_;
  std::atomic<uint64_t> used_bytes_{0};
  mutable std::mutex mutex_;
  std::map<std::string, KeptFile> files_;
};

}  // namespace ondol::server
