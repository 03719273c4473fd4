#include "agent/jobs/worker_name.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>

namespace ondol {
namespace {

/// What stands before the process.
std::string machine() {
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  std::error_code code;
  std::string space = std::filesystem::read_symlink("/proc/self/ns/pid", code).string();
  std::erase_if(space, [](char c) { return c < '0' || c > '9'; });
  return fmt::format("{}/{}/", host, space);
}

}  // namespace

std::string own_worker_name(int number) {
  return fmt::format("{}{}.{}", machine(), ::getpid(), number);
}

bool is_dead_worker(std::string_view name) {
  const std::string here = machine();
  if (!name.starts_with(here)) return false;
  name.remove_prefix(here.size());
  pid_t process = 0;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), process);
  if (read.ec != std::errc() || process <= 0) return false;
  return ::kill(process, 0) != 0 && errno == ESRCH;
}

}  // namespace ondol
