// ondol-cell: the first program of a sandbox. It is started by ondol (agent/sandbox.h), not by people.
//
// Inside bubblewrap it is process 1 of a namespace: with its end the kernel ends all others. Without namespaces it
// confines the program itself, with Landlock and the filter that it is given, and ends all of its descendants.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "agent/cell/fork_gate.h"
#include "agent/cell/forwarder.h"
#include "agent/cell/landlock.h"
#include "agent/cell_request.h"
#include "agent/process_tree.h"

namespace ondol::cell {
namespace {

using Fd = CellDescriptors;

/// Lower than the process that watches over it.
constexpr int kNiceness = 5;

struct Request {
  bool uses_landlock = false;
  std::vector<std::string> arguments;
  std::vector<std::string> variables;
  std::string folder;
  std::vector<std::pair<int, rlim_t>> limits;
  long processes = 0;
  std::string socket;
  std::vector<std::string> rules;
};

void say(const std::string& line) {
  if (::write(Fd::kStatus, line.data(), line.size()) < 0) ::_exit(1);
}

[[noreturn]] void fail(const char* what) {
  say("failed " + std::to_string(errno) + " " + what + "\n");
  ::_exit(1);
}

std::string read_all(int fd) {
  std::string bytes;
  char piece[4096];
  ssize_t n = 0;
  while ((n = ::read(fd, piece, sizeof piece)) > 0) bytes.append(piece, static_cast<size_t>(n));
  ::close(fd);
  return bytes;
}

void add(Request& request, char kind, const std::string& value) {
  if (kind == CellField::kKind) request.uses_landlock = value == "l";
  if (kind == CellField::kArgument) request.arguments.push_back(value);
  if (kind == CellField::kVariable) request.variables.push_back(value);
  if (kind == CellField::kFolder) request.folder = value;
  if (kind == CellField::kSocket) request.socket = value;
  if (kind == CellField::kRule) request.rules.push_back(value);
  if (kind == CellField::kProcesses) request.processes = std::strtol(value.c_str(), nullptr, 10);
  if (kind == CellField::kLimit) {
    char* rest = nullptr;
    const long resource = std::strtol(value.c_str(), &rest, 10);
    request.limits.emplace_back(static_cast<int>(resource), std::strtoull(rest, nullptr, 10));
  }
}

Request read_request() {
  const std::string bytes = read_all(Fd::kRequest);
  Request request;
  for (size_t begin = 0; begin < bytes.size();) {
    const size_t end = bytes.find('\0', begin);
    if (end == std::string::npos) break;
    add(request, bytes[begin], bytes.substr(begin + 1, end - begin - 1));
    begin = end + 1;
  }
  return request;
}

/// A user who is root keeps its files, and nothing else.
void drop_capabilities() {
  for (int capability = 0; capability <= 63; ++capability) ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  if (::syscall(SYS_capset, &header, none) != 0) fail("capabilities");
}

void load_filter() {
  std::string bytes = read_all(Fd::kFilter);
  sock_fprog program{static_cast<unsigned short>(bytes.size() / sizeof(sock_filter)),
                     reinterpret_cast<sock_filter*>(bytes.data())};
  if (program.len == 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) fail("seccomp");
}

std::string place_of(const Request& request) {
  const std::string& name = request.arguments[0];
  if (name.find('/') != std::string::npos) return name;
  for (const char* folder : {"/usr/local/bin/", "/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/"}) {
    if (::access((folder + name).c_str(), X_OK) == 0) return folder + name;
  }
  return name;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void become_program(Request& request, int gate) {
  ::setsid();
  if (::setpriority(PRIO_PROCESS, 0, kNiceness) != 0) fail("priority");
  if (::chdir(request.folder.c_str()) != 0) fail("folder");
  ::umask(022);
  const std::string program = place_of(request);
  if (request.uses_landlock) {
    drop_capabilities();
    if (!restrict_files(request.rules)) fail("Landlock");
  }
  for (const auto& [resource, most] : request.limits) {
    const rlimit limit{most, most};
    if (::setrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) {
      rlimit now{};  // the limit that ondol itself has may be lower
      ::getrlimit(static_cast<__rlimit_resource>(resource), &now);
      if (now.rlim_max > most) fail("limits");
    }
  }
  if (!ForkGate::build(gate)) fail("watching new processes");
  const std::vector<char*> arguments = pointers_to(request.arguments);
  const std::vector<char*> variables = pointers_to(request.variables);
  if (request.uses_landlock) load_filter();
  ::execve(program.c_str(), arguments.data(), variables.data());
  fail("start");
}

/// Without a namespace: all that came from here is this process's child sooner or later.
void end_descendants() {
  constexpr size_t kAll = size_t{1} << 20;
  while (true) {
    for (const pid_t pid : processes_below(::getpid(), kAll)) ::kill(pid, SIGKILL);
    const pid_t ended = ::waitpid(-1, nullptr, WNOHANG);
    if (ended < 0 && errno == ECHILD) return;
    if (ended == 0) ::poll(nullptr, 0, 1);
  }
}

/// The program's status, or nothing when the other side is gone.
std::string wait_for(pid_t program, int signals, ForkGate& gate) {
  while (true) {
    pollfd waits[] = {{Fd::kLife, POLLIN, 0}, {signals, POLLIN, 0}, {gate.descriptor(), POLLIN, 0}};
    if (::poll(waits, 3, -1) < 0) continue;
    if (waits[0].revents != 0) return "";
    if (waits[1].revents & POLLIN) {
      signalfd_siginfo ignored;
      if (::read(signals, &ignored, sizeof ignored) < 0) continue;
    }
    int status = 0;
    for (pid_t ended = ::waitpid(-1, &status, WNOHANG); ended > 0; ended = ::waitpid(-1, &status, WNOHANG)) {
      if (ended != program) continue;
      if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status)) + "\n";
      return "exit " + std::to_string(WEXITSTATUS(status)) + "\n";
    }
    if (waits[2].revents & POLLIN) {
      gate.answer();
    } else if (waits[2].revents != 0) {
      gate.close();  // nobody is left who could come
    }
  }
}

void start_forwarder(const Request& request) {
  constexpr int kAboveAll = 10;
  const int socket = listen_on_loopback(kProxyPort);
  const int listener = ::fcntl(socket, F_DUPFD_CLOEXEC, kAboveAll);
  if (listener < 0) fail("forwarder");
  ::close(socket);
  const pid_t child = ::fork();
  if (child < 0) fail("forwarder");
  if (child == 0) {
    ::syscall(SYS_close_range, 0U, static_cast<unsigned>(kAboveAll - 1), 0U);
    forward(listener, request.socket);
  }
  ::close(listener);
}

[[noreturn]] void run() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::syscall(SYS_close_range, static_cast<unsigned>(Fd::kCell), ~0U, 0U);
  Request request = read_request();
  if (request.arguments.empty()) fail("request");
  for (const int fd : {Fd::kStatus, Fd::kLife, Fd::kFilter}) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
  if (request.uses_landlock) {
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) fail("subreaper");
    if (landlock_version() < 1) fail("Landlock");
  }
  sigset_t children, before;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &children, &before);
  const int signals = ::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) fail("signals");
  if (!request.socket.empty()) start_forwarder(request);
  say("ready\n");
  char go = 0;
  if (::read(Fd::kLife, &go, 1) != 1) ::_exit(1);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail("socket");
  const pid_t program = ::fork();
  if (program < 0) fail("fork");
  if (program == 0) {
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    become_program(request, ends[1]);
  }
  for (const int fd : {0, 1, 2, ends[1]}) ::close(fd);
  // The forwarder is none of the program's.
  ForkGate gate = ForkGate::receive(ends[0], request.processes + (request.socket.empty() ? 0 : 1));
  ::close(ends[0]);
  const std::string status = wait_for(program, signals, gate);
  gate.close();
  if (request.uses_landlock) end_descendants();
  if (!status.empty()) say(status);
  ::_exit(0);
}

}  // namespace
}  // namespace ondol::cell

int main() {
  if (::fcntl(ondol::CellDescriptors::kLife, F_GETFD) < 0) {
    constexpr char kMessage[] = "ondol-cell starts confined programs for ondol, which starts it\n";
    return ::write(STDERR_FILENO, kMessage, sizeof kMessage - 1) > 0 ? 2 : 1;
  }
  ondol::cell::run();
}
