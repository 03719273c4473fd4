#include "base/confine.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/descriptor.h"

#ifdef ONDOL_HAS_SECCOMP
#include <seccomp.h>
#endif

namespace ondol {
namespace {

Result<void> limit(int resource, uint64_t most, const char* name) {
  const rlimit limit{static_cast<rlim_t>(most), static_cast<rlim_t>(most)};
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0) return {};
  return Error(fmt::format("the limit of {} cannot be set: {}", name, std::strerror(errno)));
}

Result<void> set_limits(const Confinement& wish) {
  if (kLimitsMemory) ONDOL_TRY(limit(RLIMIT_AS, wish.most_memory_bytes, "memory"));
  ONDOL_TRY(limit(RLIMIT_CPU, wish.most_cpu_seconds, "processor time"));
  ONDOL_TRY(limit(RLIMIT_FSIZE, 0, "file size"));
  return limit(RLIMIT_CORE, 0, "core files");
}

// Landlock, whose system calls have no functions in the C library.

constexpr uint64_t kMayRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
/// All rights of the first version: everything from executing (bit 0) to making symbolic links (bit 12).
constexpr uint64_t kFirstRights = (uint64_t{1} << 13) - 1;

uint64_t rights_of_version(int64_t version) {
  uint64_t rights = kFirstRights;
  if (version >= 2) rights |= uint64_t{1} << 13;  // linking between folders
  if (version >= 3) rights |= uint64_t{1} << 14;  // truncating
  if (version >= 5) rights |= uint64_t{1} << 15;  // ioctl of devices
  return rights;
}

bool confine_files(const Confinement& wish) {
  const int64_t version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return false;
  landlock_ruleset_attr rules{};
  rules.handled_access_fs = rights_of_version(version);
  const Descriptor set(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0)));
  if (!set.is_open()) return false;
  for (const std::string& path : wish.readable) {
    const Descriptor place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat info {};
    if (!place.is_open() || ::fstat(place.get(), &info) != 0) continue;
    landlock_path_beneath_attr rule{};
    rule.allowed_access = S_ISDIR(info.st_mode) ? kMayRead : LANDLOCK_ACCESS_FS_READ_FILE;
    if (wish.may_execute) rule.allowed_access |= LANDLOCK_ACCESS_FS_EXECUTE;
    rule.parent_fd = place.get();
    if (::syscall(SYS_landlock_add_rule, set.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) return false;
  }
  return ::syscall(SYS_landlock_restrict_self, set.get(), 0) == 0;
}

#ifdef ONDOL_HAS_SECCOMP

/// What computing, reading files and talking over descriptors that are open already need (pipes: the sanitizers try
/// addresses with them). Anything else fails with
/// EPERM: libraries that try more go on without it.
constexpr const char* kCalls[] = {
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "lseek",
    "close",
    "fstat",
    "stat",
    "lstat",
    "newfstatat",
    "fstatfs",
    "statfs",
    "statx",
    "access",
    "faccessat",
    "faccessat2",
    "readlink",
    "readlinkat",
    "getdents64",
    "getcwd",
    "dup",
    "dup2",
    "dup3",
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "recvfrom",
    "sendto",
    "mmap",
    "munmap",
    "mremap",
    "mprotect",
    "madvise",
    "brk",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigaltstack",
    "restart_syscall",
    "exit",
    "exit_group",
    "arch_prctl",
    "set_tid_address",
    "set_robust_list",
    "rseq",
    "futex",
    "clock_gettime",
    "clock_getres",
    "gettimeofday",
    "time",
    "times",
    "nanosleep",
    "clock_nanosleep",
    "getrandom",
    "uname",
    "sysinfo",
    "sched_yield",
    "sched_getaffinity",
    "getrusage",
    "getpid",
    "gettid",
    "getppid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getrlimit",
    "fadvise64",
    "membarrier",
    "pipe",
    "pipe2",
};

/// A call whose masked argument must have a value. Calls that this architecture lacks are passed over.
void allow_if(scmp_filter_ctx filter, const char* name, unsigned argument, uint64_t mask, uint64_t value) {
  const int call = seccomp_syscall_resolve_name(name);
  if (call == __NR_SCMP_ERROR) return;
  const scmp_arg_cmp condition{argument, SCMP_CMP_MASKED_EQ, mask, value};
  (void)seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition);
}

bool confine_system_calls(const Confinement& wish) {
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (filter == nullptr) return false;
  for (const char* name : kCalls) {
    const int call = seccomp_syscall_resolve_name(name);
    if (call != __NR_SCMP_ERROR) (void)seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
  }
  constexpr uint64_t kWrites = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
  allow_if(filter, "open", 1, kWrites, O_RDONLY);
  allow_if(filter, "openat", 2, kWrites, O_RDONLY);
  for (const uint64_t command : {F_GETFL, F_GETFD, F_SETFD, F_SETFL})
    allow_if(filter, "fcntl", 1, ~uint64_t{0}, command);
  allow_if(filter, "prlimit64", 2, ~uint64_t{0}, 0);  // asking, not setting
  const auto self = static_cast<uint64_t>(::getpid());
  allow_if(filter, "tgkill", 0, ~uint64_t{0}, self);  // abort()
  allow_if(filter, "kill", 0, ~uint64_t{0}, self);
  // "Not a terminal", and "this kernel has no such call", make libraries take their simpler ways.
  (void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
  (void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  (void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0);
  if (wish.may_execute) (void)seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(execve), 0);
  const bool done = seccomp_load(filter) == 0;
  seccomp_release(filter);
  return done;
}

#else

bool confine_system_calls(const Confinement&) {
  return false;
}

#endif

}  // namespace

Result<Confined> confine_process(const Confinement& wish) {
  ONDOL_TRY(set_limits(wish));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Confined{};  // the other layers need it
  Confined confined;
  confined.files = confine_files(wish);
  confined.system_calls = confine_system_calls(wish);
  return confined;
}

}  // namespace ondol
