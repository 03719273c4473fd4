#include "retrieve/file_walk.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/files.h"
#include "retrieve/ignore_rules.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

constexpr int kDeepest = 100;
constexpr size_t kMostIgnoreBytes = size_t{1} << 20;

/// What a walk gathers.
struct Found {
  std::vector<FoundFile> files;
  std::vector<std::string> folders;  // and those that files which were named lie in
  std::vector<std::string> missing;  // of the paths, neither files nor folders
  std::vector<std::string> unreadable;
};

void add_file(const fs::path& path, Found& found) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    found.unreadable.push_back(fmt::format("{}: cannot be read", path.string()));
    return;
  }
  const int64_t modified = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
  found.files.push_back({path.string(), static_cast<int64_t>(info.st_size), modified});
}

class Walk {
 public:
  Walk(fs::path root, Found& found) : root_(std::move(root)), found_(found) {}

  void enter(const std::string& folder, IgnoreRules rules, int depth) {
    const fs::path path = folder.empty() ? root_ : root_ / folder;
    found_.folders.push_back(path);
    for (const char* name : {".gitignore", ".ondolignore"}) {
      std::error_code error;
      if (!fs::is_regular_file(path / name, error)) continue;
      if (const auto lines = read_file(path / name, kMostIgnoreBytes)) rules.add(*lines, folder);
    }
    std::error_code error;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
      entries.push_back(*entry);
    }
    if (error) found_.unreadable.push_back(fmt::format("{}: {}", path.string(), error.message()));
    for (const fs::directory_entry& entry : entries) visit(entry, folder, rules, depth);
  }

 private:
  void visit(const fs::directory_entry& entry, const std::string& folder, const IgnoreRules& rules, int depth) {
    const std::string name = entry.path().filename();
    if (name.starts_with('.')) return;
    const std::string relative = folder.empty() ? name : folder + "/" + name;
    std::error_code error;
    const bool is_folder = entry.is_directory(error) && !entry.is_symlink(error);
    if (rules.leaves_out(relative, is_folder)) return;
    if (is_folder) {
      if (depth < kDeepest) enter(relative, rules, depth + 1);
    } else if (entry.is_regular_file(error)) {
      add_file(entry.path(), found_);
    }
  }

  fs::path root_;
  Found& found_;
};

Found walk(const std::vector<std::string>& paths) {
  Found found;
  for (const std::string& path : paths) {
    const fs::path known = store_path(path);
    std::error_code error;
    if (fs::is_directory(known, error)) {
      Walk(known, found).enter("", {}, 0);
      continue;
    }
    found.folders.push_back(known.parent_path());
    if (fs::is_regular_file(known, error)) {
      add_file(known, found);
    } else {
      found.missing.push_back(path);
    }
  }
  return found;
}

}  // namespace

std::string store_path(const std::string& path) {
  std::error_code error;
  const fs::path known = fs::weakly_canonical(path, error);
  return error ? fs::absolute(path, error).lexically_normal().string() : known.string();
}

Result<std::vector<FoundFile>> find_files(const std::vector<std::string>& paths, std::vector<std::string>& unreadable) {
  Found found = walk(paths);
  if (!found.missing.empty()) {
    return Error(found.missing.front() + ": expected a file or a folder, found neither");
  }
  unreadable.insert(unreadable.end(), found.unreadable.begin(), found.unreadable.end());
  std::vector<FoundFile> files = std::move(found.files);
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  const auto is_same = [](const auto& a, const auto& b) { return a.path == b.path; };
  files.erase(std::unique(files.begin(), files.end(), is_same), files.end());
  return files;
}

std::vector<std::string> find_folders(const std::vector<std::string>& paths) {
  return walk(paths).folders;
}

}  // namespace ondol
