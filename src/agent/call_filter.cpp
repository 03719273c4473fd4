#include "agent/call_filter.h"

#ifdef ONDOL_HAS_SECCOMP

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <initializer_list>
#include <memory>

#include <fmt/format.h>

namespace ondol {
namespace {

/// Refused everywhere.
constexpr const char* kRefused[] = {
    // Other processes.
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "kcmp", "pidfd_getfd",
    // Namespaces, mounts, roots.
    "unshare", "setns", "mount", "umount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick",
    "move_mount", "open_tree", "mount_setattr", "quotactl", "quotactl_fd", "swapon", "swapoff",
    // The kernel.
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "init_module",
    "finit_module", "delete_module", "create_module", "kexec_load", "kexec_file_load", "reboot", "syslog", "acct",
    "iopl", "ioperm", "uselib", "ustat", "sysfs", "_sysctl", "nfsservctl", "lookup_dcookie", "vhangup", "modify_ldt",
    "vm86", "vm86old", "fanotify_init", "fanotify_mark", "open_by_handle_at", "name_to_handle_at",
    // Keys, clocks, names of the machine.
    "add_key", "request_key", "keyctl", "settimeofday", "clock_settime", "clock_adjtime", "clock_adjtime64",
    "clock_settime64", "adjtimex", "stime", "sethostname", "setdomainname",
    // Memory that belongs to no process and to no limit.
    "memfd_create", "memfd_secret", "shmget", "msgget", "semget", "mbind", "set_mempolicy", "migrate_pages",
    "move_pages"};

/// Calls newer than some versions of libseccomp, by number, which they have on all architectures.
constexpr int kRefusedNumbers[] = {457, 458, 467};  // statmount, listmount, open_tree_attr

/// Besides, where files are held by Landlock alone, which does not see these.
constexpr const char* kUnseenByLandlock[] = {
    "chmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat", "truncate", "truncate64", "utime",
    "utimes", "futimesat", "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
    "setxattrat", "removexattrat", "inotify_init", "inotify_init1", "mq_open", "mq_unlink",
    // Sockets: Landlock knows only some kinds.
    "socket", "connect", "bind", "listen", "accept", "accept4",
    // Settings of other processes.
    "ioprio_set", "sched_setattr", "sched_setparam", "sched_setscheduler"};

constexpr const char* kSignals[] = {
    "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"};

constexpr uint64_t kWord = 0xFFFFFFFF;  // of what the kernel reads as an int: the other half may hold anything

class Rules {
 public:
  explicit Rules(scmp_filter_ctx filter) : filter_(filter) {}

  void refuse(const char* name, int error = EPERM) { add(seccomp_syscall_resolve_name(name), error, nullptr); }
  void refuse_number(int number) { add(number, ENOSYS, nullptr); }
  /// Where the argument's masked bits have this value.
  void refuse_if(const char* name, unsigned argument, uint64_t mask, uint64_t value, int error = EPERM) {
    const scmp_arg_cmp condition{argument, SCMP_CMP_MASKED_EQ, mask, value};
    add(seccomp_syscall_resolve_name(name), error, &condition);
  }
  void refuse_unless(const char* name, unsigned argument, uint64_t value, int error = EPERM) {
    const scmp_arg_cmp condition{argument, SCMP_CMP_NE, value, 0};
    add(seccomp_syscall_resolve_name(name), error, &condition);
  }
  /// The first thing that went wrong, as the negative of an errno.
  int failure() const { return failure_; }

 private:
  void add(int call, int error, const scmp_arg_cmp* condition) {
    if (call == __NR_SCMP_ERROR) return;  // not on this architecture
    const int status = seccomp_rule_add_array(filter_, SCMP_ACT_ERRNO(static_cast<uint16_t>(error)), call,
                                              condition == nullptr ? 0 : 1, condition);
    // A call that only other architectures have (vm86 here) is no hole.
    if (status != 0 && status != -EDOM && status != -EINVAL && failure_ == 0) failure_ = status;
    if (status == -EINVAL && call >= 0 && failure_ == 0) failure_ = status;
  }

  scmp_filter_ctx filter_;
  int failure_ = 0;
};

void refuse_always(Rules& rules) {
  for (const char* name : kRefused) rules.refuse(name);
  for (const int number : kRefusedNumbers) rules.refuse_number(number);
  rules.refuse("clone3", ENOSYS);  // its flags lie in memory, where no filter sees them; libraries then use clone
  for (const uint64_t flag :
       {CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP}) {
    rules.refuse_if("clone", 0, flag, flag);
  }
  for (const uint64_t command : {TIOCSTI, TIOCLINUX, TIOCSCTTY, TIOCSETD}) rules.refuse_if("ioctl", 1, kWord, command);
  for (const uint64_t kind : {S_IFCHR, S_IFBLK}) {
    rules.refuse_if("mknod", 1, S_IFMT, kind);
    rules.refuse_if("mknodat", 2, S_IFMT, kind);
  }
  // A setuid bit has no effect in here, but the file would keep it.
  for (const uint64_t bit : {S_ISUID, S_ISGID}) {
    rules.refuse_if("chmod", 1, bit, bit);
    rules.refuse_if("fchmod", 1, bit, bit);
    rules.refuse_if("fchmodat", 2, bit, bit);
    rules.refuse_if("fchmodat2", 2, bit, bit);
  }
}

/// Unix sockets and those of IP, streams and datagrams.
void refuse_odd_sockets(Rules& rules) {
  constexpr uint64_t kKnownFamilies = 64, kKinds = 16, kKindMask = 0xF;
  for (uint64_t family = 0; family < kKnownFamilies; ++family) {
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6) continue;
    rules.refuse_if("socket", 0, kWord, family, EAFNOSUPPORT);
    rules.refuse_if("socketpair", 0, kWord, family, EAFNOSUPPORT);
  }
  for (uint64_t kind = 0; kind < kKinds; ++kind) {
    if (kind != SOCK_STREAM && kind != SOCK_DGRAM && kind != SOCK_SEQPACKET)
      rules.refuse_if("socket", 1, kKindMask, kind);
  }
}

void refuse_what_landlock_does_not_see(Rules& rules, bool signals_are_scoped) {
  for (const char* name : kUnseenByLandlock) rules.refuse(name);
  // Datagram pairs could be sent on to any address.
  for (uint64_t kind = 0; kind < 16; ++kind) {
    if (kind != SOCK_STREAM && kind != SOCK_SEQPACKET) rules.refuse_if("socketpair", 1, 0xF, kind);
  }
  rules.refuse_unless("utimensat", 1, 0);  // the file of a descriptor, not of a path
  rules.refuse_unless("prlimit64", 0, 0);  // its own
  rules.refuse_unless("setpriority", 0, PRIO_PROCESS);
  rules.refuse_unless("setpriority", 1, 0);
  rules.refuse_unless("sched_setaffinity", 0, 0);
  for (const uint64_t command : {F_SETOWN, F_SETOWN_EX, F_SETSIG}) rules.refuse_if("fcntl", 1, kWord, command);
  for (const uint64_t command : {FIOSETOWN, SIOCSPGRP}) rules.refuse_if("ioctl", 1, kWord, command);
  if (signals_are_scoped) return;
  for (const char* name : kSignals) {
    // To the own process group, which the program alone has.
    name == kSignals[0] ? rules.refuse_unless(name, 0, 0) : rules.refuse(name);
  }
}

}  // namespace

Result<Descriptor> make_call_filter(const CallFilter& wish) {
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter(seccomp_init(SCMP_ACT_ALLOW), seccomp_release);
  if (!filter) return Error("the filter of system calls cannot be made: no memory");
  Rules rules(filter.get());
  refuse_always(rules);
  if (wish.has_no_namespaces) {
    rules.refuse("fchmod");
    refuse_what_landlock_does_not_see(rules, wish.signals_are_scoped);
  } else {
    refuse_odd_sockets(rules);
  }
  Descriptor file(::memfd_create("filter", MFD_CLOEXEC));
  int status = rules.failure();
  if (status == 0 && !file.is_open()) status = -errno;
  if (status == 0) status = seccomp_export_bpf(filter.get(), file.get());
  if (status == 0 && ::lseek(file.get(), 0, SEEK_SET) != 0) status = -errno;
  if (status == 0) return file;
  return Error(fmt::format("the filter of system calls cannot be made: {}", std::strerror(-status)));
}

}  // namespace ondol

#else

namespace ondol {

Result<Descriptor> make_call_filter(const CallFilter&) {
  return Error("this build has no filter of system calls; install libseccomp-dev and build again");
}

}  // namespace ondol

#endif
