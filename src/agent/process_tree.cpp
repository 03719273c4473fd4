#include "agent/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/descriptor.h"

namespace ondol {
namespace {

using Folder = std::unique_ptr<DIR, int (*)(DIR*)>;

/// Files of /proc have no size before they are read.
std::string proc_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char piece[4096];
  while (file.is_open()) {
    const ssize_t n = ::read(file.get(), piece, sizeof piece);
    if (n <= 0) break;
    text.append(piece, static_cast<size_t>(n));
  }
  return text;
}

/// The numbers among the names in a folder.
std::vector<pid_t> numbered_entries(const std::string& path) {
  const Folder folder(::opendir(path.c_str()), ::closedir);
  std::vector<pid_t> numbers;
  while (folder) {
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    pid_t number = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), number).ptr == name.data() + name.size())
      numbers.push_back(number);
  }
  return numbers;
}

/// Children of all threads.
void add_children(pid_t pid, std::vector<pid_t>& found) {
  const std::string threads = std::string("/proc/") + std::to_string(pid) + "/task";
  for (const pid_t thread : numbered_entries(threads)) {
    const std::string text = proc_file(threads + "/" + std::to_string(thread) + "/children");
    const char* at = text.data();
    const char* end = at + text.size();
    for (pid_t child = 0; at < end; ++at) {
      const auto number = std::from_chars(at, end, child);
      if (number.ptr == at) continue;
      found.push_back(child);
      at = number.ptr;
    }
  }
}

/// The number behind "Name:" in /proc/PID/status.
uint64_t status_number(std::string_view status, std::string_view name) {
  size_t at = status.find(name);
  if (at == status.npos) return 0;
  at = status.find_first_not_of(" \t", at + name.size());
  uint64_t number = 0;
  if (at != status.npos) std::from_chars(status.data() + at, status.data() + status.size(), number);
  return number;
}

}  // namespace

std::vector<pid_t> processes_below(pid_t root, size_t most) {
  std::vector<pid_t> found;
  add_children(root, found);
  for (size_t i = 0; i < found.size() && found.size() < most; ++i) add_children(found[i], found);
  return found;
}

ProcessTree measure_processes(const std::vector<pid_t>& processes) {
  ProcessTree tree;
  for (const pid_t pid : processes) {
    const std::string status = proc_file(std::string("/proc/") + std::to_string(pid) + "/status");
    tree.n_processes += static_cast<int64_t>(std::max<uint64_t>(status_number(status, "\nThreads:"), 1));
    const uint64_t kib =
        status_number(status, "\nRssAnon:") + status_number(status, "\nRssShmem:") + status_number(status, "\nVmSwap:");
    tree.memory_bytes += kib << 10;
  }
  return tree;
}

uint64_t nameless_file_bytes(const std::vector<pid_t>& processes) {
  std::set<std::pair<uint64_t, uint64_t>> seen;
  uint64_t bytes = 0;
  for (const pid_t pid : processes) {
    const std::string folder = std::string("/proc/") + std::to_string(pid) + "/fd";
    for (const pid_t fd : numbered_entries(folder)) {
      struct stat info {};
      if (::stat((folder + "/" + std::to_string(fd)).c_str(), &info) != 0) continue;
      if (!S_ISREG(info.st_mode) || info.st_nlink != 0 || !seen.emplace(info.st_dev, info.st_ino).second) continue;
      bytes += static_cast<uint64_t>(info.st_blocks) * 512;
    }
  }
  return bytes;
}

}  // namespace ondol
