#include "agent/workspace.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "agent/protected_names.h"
#include "agent/sandbox_files.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

constexpr int kMostDepth = 128;

Error failure(std::string_view path, int number) {
  if (number == EXDEV || number == ELOOP)
    return Error(fmt::format("{}: leads out of the workspace; use a path inside it", path));
  if (number == ENOENT) return Error(fmt::format("{}: no such file or folder in the workspace", path));
  return Error(fmt::format("{}: {}", path, std::strerror(number)));
}

/// Without openat2 (before Linux 5.6, or where a filter refuses it): each folder by itself, and no links at all.
int open_without_links(int folder, const std::string& path, int flags) {
  Descriptor at(::fcntl(folder, F_DUPFD_CLOEXEC, 0));
  size_t begin = 0;
  for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', begin)) {
    at.reset(
        ::openat(at.get(), path.substr(begin, slash - begin).c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!at.is_open()) return -1;
    begin = slash + 1;
  }
  const std::string name = begin < path.size() ? path.substr(begin) : ".";
  return ::openat(at.get(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC);
}

int open_below(int folder, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, folder, path.empty() ? "." : path.c_str(), &how, sizeof how);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(fd);
  return open_without_links(folder, path, flags);
}

/// Where a descriptor leads, as /proc knows; "" where it does not.
std::string place_of(const Descriptor& fd) {
  std::error_code error;
  return fs::read_symlink(fmt::format("/proc/self/fd/{}", fd.get()), error).string();
}

bool is_home_folder(const std::string& root) {
  const passwd* user = ::getpwuid(::getuid());
  std::error_code error;
  if (user == nullptr || user->pw_dir == nullptr || std::string_view(user->pw_dir) == "/") return false;
  return fs::equivalent(root, user->pw_dir, error);
}

Result<void> write_all(int fd, std::string_view content, std::string_view path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno != EINTR) return failure(path, errno);
    content.remove_prefix(static_cast<size_t>(std::max<ssize_t>(n, 0)));
  }
  if (::fsync(fd) != 0) return failure(path, errno);
  return {};
}

}  // namespace

Workspace::Workspace(std::string root, std::vector<std::string> shown, bool is_home, Descriptor folder)
    : root_(std::move(root)),
      shown_(std::move(shown)),
      is_home_(is_home),
      folder_(std::make_shared<const Descriptor>(std::move(folder))) {}

Result<Workspace> Workspace::open(const std::string& root, std::vector<std::string> shown) {
  std::error_code error;
  const std::string real = ONDOL_TRY(checked_workspace(fs::absolute(root, error).string()));
  Descriptor folder(::open(real.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) return failure(real, errno);
  return Workspace(real, std::move(shown), is_home_folder(real), std::move(folder));
}

Result<std::string> Workspace::resolve(std::string_view path) const {
  if (path.find('\0') != path.npos) return Error("a path cannot hold a zero byte");
  fs::path wish(path);
  if (wish.is_absolute()) {
    const fs::path below = wish.lexically_normal().lexically_relative(root_);
    if (below.empty() || *below.begin() == "..") return failure(path, EXDEV);
    wish = below;
  }
  std::string plain = wish.lexically_normal().string();
  while (plain.ends_with('/')) plain.pop_back();
  if (plain == ".") plain.clear();
  if (plain == ".." || plain.starts_with("../")) return failure(path, EXDEV);
  if (is_hidden(plain))
    return Error(fmt::format("{}: is protected (keys, settings of git and the like); its owner can allow it", path));
  return plain;
}

bool Workspace::is_hidden(std::string_view path) const {
  const auto is_shown = [&](std::string_view name_or_path) {
    return std::find(shown_.begin(), shown_.end(), name_or_path) != shown_.end();
  };
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view name = path.substr(begin, end - begin);
    const bool is_dot_file_of_home = is_home_ && begin == 0 && name.starts_with('.');
    if ((is_protected_name(name) || is_dot_file_of_home) && !is_shown(name) && !is_shown(path.substr(0, end)))
      return true;
    begin = end + 1;
  }
  return false;
}

Result<Descriptor> Workspace::open_beneath(const std::string& path, int flags) const {
  Descriptor fd(open_below(folder_->get(), path, flags));
  if (!fd.is_open()) return failure(path, errno);
  // A link may lead from an open name to a protected one.
  const std::string place = place_of(fd);
  if (place.starts_with(root_ + "/") && is_hidden(place.substr(root_.size() + 1)))
    return Error(fmt::format("{}: leads to a protected file", path));
  return fd;
}

Result<std::string> Workspace::read_file(std::string_view path, size_t limit_bytes) const {
  const std::string plain = ONDOL_TRY(resolve(path));
  const Descriptor fd = ONDOL_TRY(open_beneath(plain, O_RDONLY | O_NONBLOCK));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return failure(path, errno);
  if (S_ISDIR(info.st_mode)) return Error(fmt::format("{}: expected a file, got a folder; list_files shows it", path));
  if (!S_ISREG(info.st_mode)) return Error(fmt::format("{}: expected a plain file", path));
  if (static_cast<uint64_t>(info.st_size) > limit_bytes)
    return Error(fmt::format("{}: expected at most {} bytes, got {}", path, limit_bytes, info.st_size));
  std::string content(static_cast<size_t>(info.st_size), '\0');
  size_t size = 0;
  while (size < content.size()) {
    const ssize_t n = ::read(fd.get(), content.data() + size, content.size() - size);
    if (n < 0 && errno != EINTR) return failure(path, errno);
    if (n == 0) break;
    size += static_cast<size_t>(std::max<ssize_t>(n, 0));
  }
  content.resize(size);
  return content;
}

Result<Descriptor> Workspace::make_folders(const std::string& path) const {
  Descriptor at = ONDOL_TRY(open_beneath("", O_PATH | O_DIRECTORY));
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    if (::mkdirat(at.get(), name.c_str(), 0755) != 0 && errno != EEXIST) return failure(path, errno);
    at = ONDOL_TRY(open_beneath(path.substr(0, end), O_PATH | O_DIRECTORY));
    begin = end + 1;
  }
  return at;
}

Result<void> Workspace::write_file(std::string_view path, std::string_view content) const {
  const std::string plain = ONDOL_TRY(resolve(path));
  const size_t slash = plain.rfind('/');
  const std::string name = plain.substr(slash == plain.npos ? 0 : slash + 1);
  if (name.empty()) return Error(fmt::format("{}: expected the path of a file", path));
  const Descriptor folder = ONDOL_TRY(make_folders(slash == plain.npos ? "" : plain.substr(0, slash)));
  struct stat old {};
  const bool exists = ::fstatat(folder.get(), name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
  if (exists && !S_ISREG(old.st_mode)) {
    return Error(fmt::format("{}: expected a file, got {}", path,
                             S_ISDIR(old.st_mode)   ? "a folder"
                             : S_ISLNK(old.st_mode) ? "a link; write to what it names"
                                                    : "something else"));
  }
  const std::string temporary = fmt::format(".ondol-{}-{}.tmp", ::getpid(), name.substr(0, 100));
  ::unlinkat(folder.get(), temporary.c_str(), 0);
  const Descriptor file(
      ::openat(folder.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file.is_open()) return failure(path, errno);
  auto written = write_all(file.get(), content, path);
  if (written && exists && ::fchmod(file.get(), old.st_mode & 0777) != 0) written = failure(path, errno);
  if (written && ::renameat(folder.get(), temporary.c_str(), folder.get(), name.c_str()) != 0)
    written = failure(path, errno);
  if (!written) ::unlinkat(folder.get(), temporary.c_str(), 0);
  return written;
}

Result<void> Workspace::remove_file(std::string_view path) const {
  const std::string plain = ONDOL_TRY(resolve(path));
  const size_t slash = plain.rfind('/');
  const std::string name = plain.substr(slash == plain.npos ? 0 : slash + 1);
  const Descriptor folder =
      ONDOL_TRY(open_beneath(slash == plain.npos ? "" : plain.substr(0, slash), O_PATH | O_DIRECTORY));
  struct stat info {};
  if (::fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return failure(path, errno);
  if (!S_ISREG(info.st_mode)) return Error(fmt::format("{}: expected a plain file", path));
  if (::unlinkat(folder.get(), name.c_str(), 0) != 0) return failure(path, errno);
  return {};
}

Result<std::vector<Workspace::Entry>> Workspace::list(std::string_view path) const {
  const std::string plain = ONDOL_TRY(resolve(path));
  Descriptor fd = ONDOL_TRY(open_beneath(plain, O_RDONLY | O_DIRECTORY));
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)), ::closedir);
  std::vector<Entry> entries;
  while (const dirent* found = folder ? ::readdir(folder.get()) : nullptr) {
    Entry entry{found->d_name};
    struct stat info {};
    if (entry.name == "." || entry.name == ".." || is_hidden(plain.empty() ? entry.name : plain + "/" + entry.name) ||
        ::fstatat(fd.get(), found->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      continue;
    }
    entry.is_folder = S_ISDIR(info.st_mode);
    entry.is_link = S_ISLNK(info.st_mode);
    entry.size_bytes = static_cast<uint64_t>(info.st_size);
    entry.changed_at = static_cast<int64_t>(info.st_mtime);
    entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

bool Workspace::is_file(std::string_view path) const {
  const auto plain = resolve(path);
  const auto fd = plain ? open_beneath(*plain, O_PATH) : plain.error();
  struct stat info {};
  return fd && ::fstat(fd->get(), &info) == 0 && S_ISREG(info.st_mode);
}

bool Workspace::is_folder(std::string_view path) const {
  const auto plain = resolve(path);
  return plain && open_beneath(*plain, O_PATH | O_DIRECTORY);
}

void Workspace::add_hidden(int folder, const std::string& path, int depth, std::vector<std::string>& found) const {
  const std::unique_ptr<DIR, int (*)(DIR*)> names(::fdopendir(folder), ::closedir);
  while (const dirent* entry = names && depth < kMostDepth ? ::readdir(names.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    const std::string below = path.empty() ? std::string(name) : path + "/" + entry->d_name;
    if (is_hidden(below)) {
      found.push_back(below);
    } else if (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) {
      const int inner = ::openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (inner >= 0) add_hidden(inner, below, depth + 1, found);
    }
  }
}

std::vector<std::string> Workspace::hidden() const {
  std::vector<std::string> found;
  const int folder = ::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) add_hidden(folder, "", 0, found);
  if (is_hidden(".git") && std::find(found.begin(), found.end(), ".git") == found.end()) found.push_back(".git");
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace ondol
