#include "server/container_files.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "agent/mcp/sealed_state.h"
#include "agent/workspace.h"
#include "base/files.h"

namespace ondol::server {
namespace {

constexpr size_t kMostNameBytes = 200;
constexpr size_t kMostFiles = 5000;
constexpr int kMostDepth = 16;
constexpr size_t kIdDigits = 32;

/// A name without folders, and not hidden.
std::string plain_name(const KeptFile& file) {
  std::string name = file.name.substr(file.name.find_last_of('/') + 1);
  std::erase_if(name, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\\'; });
  while (name.starts_with('.')) name.erase(0, 1);
  return name.empty() || name.size() > kMostNameBytes ? file.id : name;
}

class Lister {
 public:
  Lister(CodeContainer& container, const Workspace& workspace) : container_(container), workspace_(workspace) {}

  std::vector<ContainerFile> all() {
    add_folder("", 0);
    std::sort(files_.begin(), files_.end(), [](const ContainerFile& a, const ContainerFile& b) {
      return a.changed_at != b.changed_at ? a.changed_at > b.changed_at : a.path < b.path;
    });
    return std::move(files_);
  }

 private:
  void add_folder(const std::string& folder, int depth) {
    const auto entries = workspace_.list(folder);
    if (!entries) return;  // a program has just removed it, or has taken the right to look away
    for (const Workspace::Entry& entry : *entries) {
      const std::string path = folder.empty() ? entry.name : folder + "/" + entry.name;
      if (entry.is_link || files_.size() >= kMostFiles) continue;
      if (!entry.is_folder) {
        add_file(path, entry);
      } else if (depth < kMostDepth) {
        add_folder(path, depth + 1);
      }
    }
  }

  void add_file(const std::string& path, const Workspace::Entry& entry) {
    const std::lock_guard lock(container_.given_mutex);
    files_.push_back({"cfile_" + mcp::digest_of(path).substr(0, kIdDigits), path, entry.size_bytes, entry.changed_at,
                      container_.given.contains(path)});
  }

  CodeContainer& container_;
  const Workspace& workspace_;
  std::vector<ContainerFile> files_;
};

template <typename Wanted>
std::optional<ContainerFile> first_file(CodeContainer& container, const Wanted& is_wanted) {
  std::vector<ContainerFile> all = list_container_files(container);
  const auto found = std::find_if(all.begin(), all.end(), is_wanted);
  return found == all.end() ? std::nullopt : std::optional(std::move(*found));
}

}  // namespace

uint64_t used_bytes(const CodeContainer& container) {
  namespace fs = std::filesystem;
  uint64_t bytes = 0;
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator entry(container.place.path(), options, error), last; !error && entry != last;
       entry.increment(error)) {
    std::error_code unread;
    if (entry->symlink_status(unread).type() == fs::file_type::regular) bytes += entry->file_size(unread);
  }
  return bytes;
}

std::vector<ContainerFile> list_container_files(CodeContainer& container) {
  const auto workspace = Workspace::open(container.place.path());
  if (!workspace) return {};
  return Lister(container, *workspace).all();
}

std::optional<ContainerFile> find_container_file(CodeContainer& container, std::string_view id) {
  return first_file(container, [&](const ContainerFile& file) { return file.id == id; });
}

Result<std::string> read_container_file(const CodeContainer& container, const ContainerFile& file,
                                        uint64_t most_bytes) {
  const Workspace workspace = ONDOL_TRY(Workspace::open(container.place.path()));
  return workspace.read_file(file.path, most_bytes);
}

Result<ContainerFile> put_in_container(CodeContainer& container, const KeptFile& file, uint64_t most_bytes) {
  const Workspace workspace = ONDOL_TRY(Workspace::open(container.place.path()));
  if (file.size_bytes + used_bytes(container) > most_bytes)
    return Error(fmt::format("expected at most {} MiB in all", most_bytes >> 20));
  const std::string name = plain_name(file);
  ONDOL_TRY(workspace.write_file(name, ONDOL_TRY(read_file(file.path, most_bytes))));
  {
    const std::lock_guard lock(container.given_mutex);
    container.given.insert(name);
  }
  auto there = first_file(container, [&](const ContainerFile& one) { return one.path == name; });
  if (!there) return Error(fmt::format("'{}' is protected, or there are too many files", name));
  return std::move(*there);
}

Result<void> remove_container_file(CodeContainer& container, const ContainerFile& file) {
  const Workspace workspace = ONDOL_TRY(Workspace::open(container.place.path()));
  ONDOL_TRY(workspace.remove_file(file.path));
  const std::lock_guard lock(container.given_mutex);
  container.given.erase(file.path);
  return {};
}

}  // namespace ondol::server
