#include "agent/disk_watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <functional>
#include <memory>
#include <utility>

#include "base/descriptor.h"

namespace ondol {
namespace {

constexpr int kMostDepth = 128;
constexpr auto kShortestPause = std::chrono::milliseconds(200);
constexpr int kPausePerLook = 10;  // so that looking takes at most a tenth of the time
constexpr uint64_t kReserveBytes = uint64_t{256} << 20;

/// Is given each entry's path from the folder on. Folders are entered by their descriptors, so that one which turns
/// into a link meanwhile leads nowhere.
using Visit = std::function<void(const std::string& path, const struct stat& info)>;

void walk(int parent, const char* name, const std::string& path, int depth, bool& is_too_deep, const Visit& visit) {
  if (depth > kMostDepth) {
    is_too_deep = true;
    return;
  }
  const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(fd), ::closedir);
  while (const dirent* entry = folder ? ::readdir(folder.get()) : nullptr) {
    const std::string_view entry_name = entry->d_name;
    if (entry_name == "." || entry_name == "..") continue;
    struct stat info {};
    if (::fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const std::string entry_path = path.empty() ? std::string(entry_name) : path + "/" + entry->d_name;
    visit(entry_path, info);
    if (S_ISDIR(info.st_mode)) walk(fd, entry->d_name, entry_path, depth + 1, is_too_deep, visit);
  }
}

}  // namespace

DiskUse measure_disk_use(const std::string& folder) {
  DiskUse use;
  walk(AT_FDCWD, folder.c_str(), "", 0, use.is_too_deep, [&](const std::string&, const struct stat& info) {
    // A file with several names shares its bytes among them.
    use.bytes +=
        static_cast<uint64_t>(info.st_blocks) * 512 / std::max<nlink_t>(S_ISDIR(info.st_mode) ? 1 : info.st_nlink, 1);
    ++use.entries;
  });
  return use;
}

std::vector<std::string> find_sockets(const std::string& folder) {
  std::vector<std::string> sockets;
  bool is_too_deep = false;
  walk(AT_FDCWD, folder.c_str(), "", 0, is_too_deep, [&](const std::string& path, const struct stat& info) {
    if (S_ISSOCK(info.st_mode)) sockets.push_back(path);
  });
  return sockets;
}

DiskWatch::DiskWatch(std::vector<std::string> folders, uint64_t most_bytes, int64_t most_entries)
    : folders_(std::move(folders)), most_bytes_(most_bytes), most_entries_(most_entries) {
  const auto begin = Clock::now();
  before_ = measure();
  look_time_ = Clock::now() - begin;
  free_before_ = free_now();
  next_look_ = Clock::now() + kShortestPause;
}

DiskUse DiskWatch::measure() const {
  DiskUse all;
  for (const std::string& folder : folders_) {
    const DiskUse use = measure_disk_use(folder);
    all.bytes += use.bytes;
    all.entries += use.entries;
    all.is_too_deep = all.is_too_deep || use.is_too_deep;
  }
  return all;
}

DiskWatch::Free DiskWatch::free_now() const {
  struct statvfs info {};
  if (folders_.empty() || ::statvfs(folders_[0].c_str(), &info) != 0) return {};
  return {static_cast<uint64_t>(info.f_bavail) * info.f_frsize, static_cast<uint64_t>(info.f_favail)};
}

bool DiskWatch::has_lost_space() const {
  return free_now().bytes + most_bytes_ < free_before_.bytes;
}

bool DiskWatch::is_over() {
  const Free free = free_now();
  // Whoever takes the last space: this is not the moment to write on.
  if (free.bytes < free_before_.bytes && free.bytes < std::min(kReserveBytes, free_before_.bytes / 4)) return true;
  const bool is_suspicious = free.bytes + most_bytes_ / 2 < free_before_.bytes ||
                             free.entries + static_cast<uint64_t>(most_entries_) / 2 < free_before_.entries;
  const auto now = Clock::now();
  if (now < next_look_ && !(is_suspicious && look_time_ < kShortestPause)) return false;
  const bool is_over = is_over_now();
  look_time_ = Clock::now() - now;
  next_look_ = Clock::now() + std::max<Clock::duration>(kShortestPause, kPausePerLook * look_time_);
  return is_over;
}

bool DiskWatch::is_over_now() {
  const DiskUse now = measure();
  return now.bytes > before_.bytes + most_bytes_ || now.entries > before_.entries + most_entries_ ||
         (now.is_too_deep && !before_.is_too_deep);
}

}  // namespace ondol
