#include "agent/cell/fork_gate.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "agent/process_tree.h"

namespace ondol::cell {
namespace {

constexpr unsigned kWaitsUnlessKilled = 1 << 5;  // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, since Linux 5.19

/// Calls of other architectures and clone3 are refused by the filter that every program has (call_filter.h).
int listen_to_forks() {
  constexpr sock_filter kNotify = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
  sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
      kNotify,
#ifdef SYS_fork
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fork, 0, 1),
      kNotify,
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_vfork, 0, 1),
      kNotify,
#endif
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{sizeof steps / sizeof steps[0], steps};
  // Without this flag a signal's handler may make fork fail with EINTR, which programs do not expect.
  for (const unsigned flags : {kWaitsUnlessKilled, 0U}) {
    const long listener =
        ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, &program);
    if (listener >= 0 || errno != EINVAL) return static_cast<int>(listener);
  }
  return -1;
}

/// A message of one byte with room for one descriptor.
struct DescriptorMessage {
  DescriptorMessage() {
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
  }

  char byte = 'g';
  iovec piece{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
};

}  // namespace

bool ForkGate::build(int socket) {
  const Descriptor listener(listen_to_forks());
  if (!listener.is_open()) return false;
  DescriptorMessage message;
  cmsghdr* part = CMSG_FIRSTHDR(&message.header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int));
  const int number = listener.get();
  std::memcpy(CMSG_DATA(part), &number, sizeof number);
  return ::sendmsg(socket, &message.header, MSG_NOSIGNAL) == 1;
}

ForkGate ForkGate::receive(int socket, int64_t most) {
  DescriptorMessage message;
  int listener = -1;
  if (::recvmsg(socket, &message.header, MSG_CMSG_CLOEXEC) == 1) {
    const cmsghdr* part = CMSG_FIRSTHDR(&message.header);
    if (part != nullptr && part->cmsg_type == SCM_RIGHTS) std::memcpy(&listener, CMSG_DATA(part), sizeof listener);
  }
  return {listener, most};
}

void ForkGate::answer() {
  seccomp_notif call{};
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) return;  // whoever waited was killed
  seccomp_notif_resp response{};
  response.id = call.id;
  if (has_place()) {
    response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ++n_since_;
  } else {
    response.error = -EAGAIN;
  }
  ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);
}

/// Those that were let through a moment ago may not be there to be counted yet, but each of the counted ones can have
/// let in one of these at most: there are never more than twice as many as may be.
bool ForkGate::has_place() {
  if (n_counted_ + n_since_ < most_) return true;
  n_counted_ = measure_processes(processes_below(::getpid(), static_cast<size_t>(2 * most_))).n_processes;
  n_since_ = 0;
  return n_counted_ < most_;
}

}  // namespace ondol::cell
