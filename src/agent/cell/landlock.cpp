#include "agent/cell/landlock.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "agent/cell_request.h"

namespace ondol::cell {
namespace {

// The kernel's interface, Documentation/userspace-api/landlock.rst; libraries' headers lag behind.

struct Ruleset {
  uint64_t files;
  uint64_t network;
  uint64_t scoped;
};

struct __attribute__((packed)) PathRule {
  uint64_t allowed;
  int32_t folder;
};

constexpr uint64_t kExecute = 1 << 0, kWriteFile = 1 << 1, kReadFile = 1 << 2, kReadFolder = 1 << 3;
/// Removing folders and files, making devices, folders, files, sockets, pipes, block devices and links: bits 4 to 12.
constexpr uint64_t kAllChanges = 0x1FF0;
constexpr uint64_t kMakeDevice = 1 << 6, kMakeBlockDevice = 1 << 11;
constexpr uint64_t kRefer = 1 << 13, kTruncate = 1 << 14, kDeviceIoctl = 1 << 15;

Ruleset everything(int version) {
  Ruleset all{kExecute | kWriteFile | kReadFile | kReadFolder | kAllChanges, 0, 0};
  if (version >= 2) all.files |= kRefer;
  if (version >= 3) all.files |= kTruncate;
  if (version >= 4) all.network = 3;  // binding and connecting TCP
  if (version >= 5) all.files |= kDeviceIoctl;
  if (version >= 6) all.scoped = 3;  // abstract sockets and signals
  return all;
}

uint64_t rights_of(const std::string& letters, bool is_folder) {
  uint64_t rights = 0;
  for (const char letter : letters) {
    if (letter == CellRight::kList) rights |= kReadFolder;
    if (letter == CellRight::kRead) rights |= kReadFile;
    if (letter == CellRight::kExecute) rights |= kExecute;
    if (letter == CellRight::kWrite) rights |= kWriteFile | kTruncate;
    if (letter == CellRight::kChange) rights |= (kAllChanges & ~(kMakeDevice | kMakeBlockDevice)) | kRefer;
  }
  return is_folder ? rights : rights & (kExecute | kWriteFile | kReadFile | kTruncate);
}

bool add_rule(int set, const std::string& rule, const Ruleset& handled) {
  const size_t space = rule.find(' ');
  if (space == std::string::npos) return true;
  const int place = ::open(rule.c_str() + space + 1, O_PATH | O_CLOEXEC);
  if (place < 0) return true;
  struct stat info {};
  const bool is_known = ::fstat(place, &info) == 0;
  const PathRule below{rights_of(rule.substr(0, space), S_ISDIR(info.st_mode)) & handled.files, place};
  const bool added = is_known && (below.allowed == 0 || ::syscall(SYS_landlock_add_rule, set, 1, &below, 0) == 0);
  ::close(place);
  return added;
}

}  // namespace

int landlock_version() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1);
  return version < 0 ? 0 : static_cast<int>(version);
}

bool restrict_files(const std::vector<std::string>& rules) {
  const Ruleset handled = everything(landlock_version());
  const int set = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0));
  if (set < 0) return false;
  for (const std::string& rule : rules) {
    if (!add_rule(set, rule, handled)) return false;
  }
  const bool done = ::syscall(SYS_landlock_restrict_self, set, 0) == 0;
  ::close(set);
  return done;
}

}  // namespace ondol::cell
