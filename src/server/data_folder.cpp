#include "server/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace ondol::server {

DataFolder::~DataFolder() {
  if (lock_ >= 0) ::close(lock_);
}

bool DataFolder::exists() const {
  std::error_code code;
  return !path_.empty() && std::filesystem::is_directory(path_, code);
}

Result<void> DataFolder::claim() {
  const std::lock_guard guard(mutex_);
  if (lock_ >= 0) return {};
  if (path_.empty()) return Error("the server was started without a folder for data; hint: --data-dir");
  std::error_code code;
  std::filesystem::create_directories(path_, code);
  if (code) return Error(fmt::format("{}: cannot make the folder: {}", path_, code.message()));
  // What was taught and with what is nobody else's business.
  std::filesystem::permissions(path_, std::filesystem::perms::owner_all, code);
  const std::string file = path_ + "/lock";
  const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return Error(fmt::format("{}: cannot open: {}", file, std::strerror(errno)));
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return Error(fmt::format("{}: another server has this folder; hint: give this one its own with --data-dir", path_));
  }
  lock_ = lock;
  return {};
}

}  // namespace ondol::server
