#include "base/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

namespace ondol {
namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Error system_error(const std::string& path, std::string_view action) {
  return Error(fmt::format("{}: {}: {}", path, action, std::strerror(errno)));
}

/// Opens for reading and returns the size. Refuses anything but a regular file: a FIFO would block for ever.
Result<size_t> regular_file_size(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return system_error(path, "cannot read its size");
  if (S_ISDIR(info.st_mode)) return Error(fmt::format("{}: expected a file, got a directory", path));
  if (!S_ISREG(info.st_mode)) return Error(fmt::format("{}: expected a regular file", path));
  return static_cast<size_t>(info.st_size);
}

Result<void> write_all(int fd, const std::string& path, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path, "cannot write");
    content.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, size_t limit_bytes) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return system_error(path, "cannot open");
  const size_t size = ONDOL_TRY(regular_file_size(fd.get(), path));
  if (size > limit_bytes) {
    return Error(fmt::format("{}: expected at most {} bytes, got {}", path, limit_bytes, size));
  }
  std::string content(size, '\0');
  size_t done = 0;
  while (done < size) {
    const ssize_t n = ::read(fd.get(), content.data() + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path, "cannot read");
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  content.resize(done);
  return content;
}

Result<void> write_file_atomically(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".part";
  Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (fd.get() < 0) return system_error(temporary, "cannot create");
  auto written = write_all(fd.get(), temporary, content);
  if (written && ::fsync(fd.get()) != 0) written = system_error(temporary, "cannot sync");
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
    written = system_error(path, "cannot rename into place");
  if (!written) ::unlink(temporary.c_str());
  return written;
}

struct MappedFile::Mapping {
  std::string path;
  void* data = nullptr;
  size_t size_bytes = 0;

  ~Mapping() {
    if (data != nullptr) ::munmap(data, size_bytes);
  }
};

Result<MappedFile> MappedFile::open(const std::string& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return system_error(path, "cannot open");
  auto mapping = std::make_shared<Mapping>();
  mapping->path = path;
  mapping->size_bytes = ONDOL_TRY(regular_file_size(fd.get(), path));
  if (mapping->size_bytes == 0) return Error(fmt::format("{}: the file is empty", path));
  void* data = ::mmap(nullptr, mapping->size_bytes, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) return system_error(path, "cannot map into memory");
  mapping->data = data;
  return MappedFile(std::move(mapping));
}

std::span<const uint8_t> MappedFile::bytes() const {
  return {static_cast<const uint8_t*>(mapping_->data), mapping_->size_bytes};
}

const std::string& MappedFile::path() const {
  return mapping_->path;
}

void MappedFile::prefetch(size_t offset, size_t size_bytes) const {
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t begin = offset / page * page;
  if (begin >= mapping_->size_bytes) return;
  const size_t end = std::min(mapping_->size_bytes, offset + size_bytes);
  ::madvise(static_cast<uint8_t*>(mapping_->data) + begin, end - begin, MADV_WILLNEED);
}

}  // namespace ondol
