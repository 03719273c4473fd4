#include "base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/descriptor.h"

namespace ondol {
namespace {

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Only what is safe in a signal handler, as always between fork and exec.
[[noreturn]] void become(const char* path, char* const* arguments, char* const* environment,
                         std::span<int> descriptors) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int n = static_cast<int>(descriptors.size());
  for (int& fd : descriptors) {
    fd = ::fcntl(fd, F_DUPFD, n);  // above the places that they are copied to
    if (fd < 0) ::_exit(127);
  }
  for (int i = 0; i < n; ++i) ::dup2(descriptors[static_cast<size_t>(i)], i);
  // What other libraries opened without O_CLOEXEC is nobody else's concern.
  if (::syscall(SYS_close_range, static_cast<unsigned>(n), ~0U, 0U) != 0) {
    for (int fd = n; fd < 1024; ++fd) ::close(fd);
  }
  ::execve(path, arguments, environment);
  ::_exit(127);
}

}  // namespace

Result<Subprocess> Subprocess::start(const std::string& path, std::vector<std::string> arguments, int input, int output,
                                     const std::vector<std::string>& environment) {
  const Descriptor nothing(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!nothing.is_open()) return Error(fmt::format("{}: cannot start: {}", path, std::strerror(errno)));
  return start(path, std::move(arguments), std::array{input, output, nothing.get()}, environment);
}

Result<Subprocess> Subprocess::start(const std::string& path, std::vector<std::string> arguments,
                                     std::span<const int> descriptors, const std::vector<std::string>& environment) {
  std::vector<std::string> variables = environment;
  std::vector<int> places(descriptors.begin(), descriptors.end());
  const std::vector<char*> argument_pointers = pointers_to(arguments);
  const std::vector<char*> variable_pointers = pointers_to(variables);
  const pid_t pid = ::fork();
  if (pid < 0) return Error(fmt::format("{}: cannot start: {}", path, std::strerror(errno)));
  if (pid == 0) become(path.c_str(), argument_pointers.data(), variable_pointers.data(), places);
  ::setpgid(pid, pid);  // in both processes, as either may be the first to need it
  return Subprocess(pid);
}

Subprocess::Subprocess(Subprocess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), status_(other.status_), peak_bytes_(other.peak_bytes_) {}

Subprocess& Subprocess::operator=(Subprocess&& other) noexcept {
  end();
  pid_ = std::exchange(other.pid_, 0);
  status_ = other.status_;
  peak_bytes_ = other.peak_bytes_;
  return *this;
}

Subprocess::~Subprocess() {
  end();
}

void Subprocess::end() {
  if (pid_ == 0) return;
  ::kill(-pid_, SIGKILL);
  wait();
}

void Subprocess::wait_at_most(int milliseconds) {
  const auto last_moment = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  siginfo_t info{};
  const auto lives = [&] {
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
  };
  while (pid_ != 0 && lives() && std::chrono::steady_clock::now() < last_moment) ::poll(nullptr, 0, 1);
  end();
}

void Subprocess::wait() {
  if (pid_ == 0) return;
  rusage usage{};
  while (::wait4(pid_, &status_, 0, &usage) < 0 && errno == EINTR) continue;
  peak_bytes_ = static_cast<uint64_t>(usage.ru_maxrss) << 10;
  pid_ = 0;
}

std::string Subprocess::fate() const {
  if (!WIFSIGNALED(status_)) return fmt::format("exit status {}", WEXITSTATUS(status_));
  return fmt::format("signal {}, {}", WTERMSIG(status_), ::strsignal(WTERMSIG(status_)));
}

bool Subprocess::was_killed_by(int signal) const {
  return WIFSIGNALED(status_) && WTERMSIG(status_) == signal;
}

int Subprocess::exit_status() const {
  return WIFSIGNALED(status_) ? -1 : WEXITSTATUS(status_);
}

}  // namespace ondol
