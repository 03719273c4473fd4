#include "hub/part_on_disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/files.h"

namespace ondol {
namespace {

constexpr size_t kMaxStateBytes = size_t{64} << 20;

Error failed(const std::string& path, std::string_view action, int code) {
  return Error(fmt::format("{}: {}: {}", path, action, std::strerror(code)));
}

// Without fsync: a killed process loses nothing, and after a power cut the checksum decides.
bool replace_file(const std::string& path, const std::string& content) {
  const std::string temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  const bool written = ::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  ::close(fd);
  return written && ::rename(temporary.c_str(), path.c_str()) == 0;
}

// Reserves the blocks, where the file system can; a full disk shows now and not after an hour.
int reserve(int fd, uint64_t size) {
  if (::ftruncate(fd, static_cast<off_t>(size)) != 0) return errno;
  if (size == 0) return 0;
  const int code = ::posix_fallocate(fd, 0, static_cast<off_t>(size));
  return code == EOPNOTSUPP || code == EINVAL ? 0 : code;
}

}  // namespace

PartOnDisk::PartOnDisk(std::string path, int fd, DownloadState state, uint64_t state_every_bytes)
    : path_(std::move(path)),
      part_path_(path_ + ".part"),
      state_path_(part_path_ + ".state"),
      state_every_bytes_(state_every_bytes),
      fd_(fd),
      state_(std::move(state)) {}

PartOnDisk::~PartOnDisk() {
  ::close(fd_);
}

Result<std::unique_ptr<PartOnDisk>> PartOnDisk::open(const std::string& path, uint64_t size,
                                                     const std::string& identity, uint64_t state_every_bytes) {
  const std::string part = path + ".part";
  const int fd = ::open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return failed(part, "cannot create", errno);
  std::unique_ptr<PartOnDisk> result(new PartOnDisk(path, fd, {size, identity, {}}, state_every_bytes));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
    return Error(fmt::format("{}: another process is downloading this file", path));
  struct stat info {
  }, named{};
  if (::fstat(fd, &info) != 0) return failed(part, "cannot read its size", errno);
  if (::stat(part.c_str(), &named) != 0 || named.st_ino != info.st_ino) {
    return Error(fmt::format("{}: another process has just finished this file; try again", path));
  }
  const auto text = read_file(result->state_path_, kMaxStateBytes);
  const auto saved = text ? parse_download_state(*text) : Result<DownloadState>(text.error());
  const bool fits = saved && saved->size == size && saved->identity == identity && !identity.empty() &&
                    static_cast<uint64_t>(info.st_size) == size;
  if (fits) result->state_ = *saved;
  const int code = reserve(fd, size);
  if (code != 0) {
    if (!fits) result->discard();
    return failed(part, fmt::format("cannot reserve {} bytes", size), code);
  }
  return result;
}

Error PartOnDisk::system_error(const char* action) const {
  return failed(part_path_, action, errno);
}

Result<void> PartOnDisk::write(uint64_t offset, std::span<const char> bytes) {
  const uint64_t begin = offset;
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("cannot write");
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  const std::scoped_lock lock(mutex_);
  state_.done.add(begin, offset);
  unsaved_bytes_ += offset - begin;
  if (unsaved_bytes_ < state_every_bytes_) return {};
  unsaved_bytes_ = 0;
  if (!replace_file(state_path_, serialize(state_))) return failed(state_path_, "cannot write", errno);
  return {};
}

uint64_t PartOnDisk::done_bytes() const {
  const std::scoped_lock lock(mutex_);
  return state_.done.n_bytes();
}

std::vector<RangeSet::Range> PartOnDisk::missing(uint64_t piece) const {
  const std::scoped_lock lock(mutex_);
  return state_.done.missing(state_.size, piece);
}

Result<void> PartOnDisk::save_state() {
  const std::scoped_lock lock(mutex_);
  unsaved_bytes_ = 0;
  if (!replace_file(state_path_, serialize(state_))) return failed(state_path_, "cannot write", errno);
  return {};
}

void PartOnDisk::discard() {
  ::unlink(part_path_.c_str());
  ::unlink(state_path_.c_str());
}

Result<void> PartOnDisk::publish() {
  if (::fsync(fd_) != 0) return system_error("cannot sync");
  if (::rename(part_path_.c_str(), path_.c_str()) != 0) return system_error("cannot rename into place");
  ::unlink(state_path_.c_str());
  return {};
}

uint64_t reserved_bytes(const std::string& path) {
  struct stat info {};
  return ::stat((path + ".part").c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_blocks) * 512 : 0;
}

}  // namespace ondol
