// FileWalk: the files below some paths that are to be indexed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace ondol {

struct FoundFile {
  std::string path;  // absolute
  int64_t size_bytes = 0;
  int64_t modified_ns = 0;
};

/// Regular files, each once, sorted by path. Symbolic links to folders are not followed. Hidden files and what
/// .gitignore and .ondolignore leave out are passed over, unless they are named themselves. Error: a path that is not
/// there. Folders that cannot be read are passed over and named in `unreadable`.
Result<std::vector<FoundFile>> find_files(const std::vector<std::string>& paths, std::vector<std::string>& unreadable);

/// The folders that find_files goes through for these paths, and those that the files among them lie in.
std::vector<std::string> find_folders(const std::vector<std::string>& paths);

/// The path as the store knows it.
std::string store_path(const std::string& path);

}  // namespace ondol
