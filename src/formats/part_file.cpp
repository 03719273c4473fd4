#include "formats/part_file.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace ondol {
namespace {

/// ", of which 5 are free" for messages about a full disk; empty when the system does not say.
std::string free_space(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return "";
  return fmt::format(", {} bytes are free", static_cast<uint64_t>(info.f_bavail) * info.f_frsize);
}

}  // namespace

Result<PartFile> PartFile::create(std::string path, uint64_t size_bytes) {
  const std::string part_path = path + ".part";
  const int fd = ::open(part_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return Error(fmt::format("{}: cannot create: {}", part_path, std::strerror(errno)));
  PartFile file(std::move(path), fd);
  if (size_bytes == 0 || ::fallocate(fd, 0, 0, static_cast<off_t>(size_bytes)) == 0) return file;
  // Some file systems cannot reserve; a full disk then shows while writing.
  if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINTR) return file;
  return file.system_error(fmt::format("cannot reserve {} bytes{}", size_bytes, free_space(part_path)));
}

PartFile::PartFile(PartFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), written_bytes_(other.written_bytes_) {}

PartFile::~PartFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(part_path().c_str());
}

Error PartFile::system_error(std::string_view action) const {
  return Error(fmt::format("{}: {}: {}", path_, action, std::strerror(errno)));
}

Result<void> PartFile::append(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const Error error = system_error(fmt::format("cannot write after {} bytes", written_bytes_));
      return errno == ENOSPC ? Error(error.message() + free_space(part_path())) : error;
    }
    written_bytes_ += static_cast<uint64_t>(n);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

Result<void> PartFile::publish() {
  if (::fsync(fd_) != 0) return system_error("cannot sync");
  if (::rename(part_path().c_str(), path_.c_str()) != 0) return system_error("cannot rename into place");
  ::close(std::exchange(fd_, -1));
  return {};
}

}  // namespace ondol
