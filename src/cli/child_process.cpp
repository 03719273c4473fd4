#include "cli/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include <fmt/format.h>

#include "base/descriptor.h"

namespace ondol::cli {
namespace {

constexpr size_t kMostOutput = size_t{16} << 20;
constexpr size_t kKeptErrors = 4096;
constexpr int kPollMilliseconds = 100;
constexpr auto kGrace = std::chrono::seconds(2);

struct Pipe {
  Descriptor from;
  Descriptor to;

  bool open() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) return false;
    from.reset(fds[0]);
    to.reset(fds[1]);
    return true;
  }
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_with(const std::vector<std::string>& assignments) {
  const auto replaced = [&](const std::string& variable) {
    for (const std::string& assignment : assignments) {
      if (variable.starts_with(assignment.substr(0, assignment.find('=') + 1))) return true;
    }
    return false;
  };
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!replaced(*variable)) all.emplace_back(*variable);
  }
  all.insert(all.end(), assignments.begin(), assignments.end());
  return all;
}

/// A child process, from its start to its end.
class Child {
 public:
  Child() = default;
  ~Child() {
    if (pid_ > 0) end();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  Result<void> start(const ChildCommand& command);
  /// Reads both pipes until the child has closed them and ended.
  Result<ChildOutput> listen(const std::atomic<bool>& stop);

 private:
  [[noreturn]] void become(const char* path, char* const* arguments, char* const* environment);
  static void take(Descriptor& from, std::string& into);
  bool has_ended();
  void end();

  pid_t pid_ = 0;
  int status_ = 0;
  Pipe output_;
  Pipe errors_;
};

Result<void> Child::start(const ChildCommand& command) {
  std::vector<std::string> arguments = command.arguments;
  std::vector<std::string> environment = environment_with(command.environment);
  // Between fork and exec, only what is safe in a signal handler may be called: all memory is made before.
  const std::vector<char*> argument_pointers = pointers_to(arguments);
  const std::vector<char*> environment_pointers = pointers_to(environment);
  if (!output_.open() || !errors_.open()) return Error(fmt::format("no pipe: {}", std::strerror(errno)));
  pid_ = ::fork();
  if (pid_ < 0) return Error(fmt::format("{}: cannot start: {}", command.path, std::strerror(errno)));
  if (pid_ == 0) become(command.path.c_str(), argument_pointers.data(), environment_pointers.data());
  ::setpgid(pid_, pid_);  // in both processes, as either may be the first to need it
  output_.to.close();
  errors_.to.close();
  return {};
}

void Child::become(const char* path, char* const* arguments, char* const* environment) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  ::dup2(output_.to.get(), STDOUT_FILENO);
  ::dup2(errors_.to.get(), STDERR_FILENO);
  ::execve(path, arguments, environment);
  constexpr char kMessage[] = "the program cannot be started\n";
  const ssize_t ignored = ::write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  (void)ignored;
  ::_exit(127);
}

/// One read.
void Child::take(Descriptor& from, std::string& into) {
  char buffer[65536];
  const ssize_t n = ::read(from.get(), buffer, sizeof buffer);
  if (n < 0 && errno == EINTR) return;
  if (n <= 0) return from.close();
  into.append(buffer, static_cast<size_t>(n));
}

bool Child::has_ended() {
  if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = 0;
  return pid_ == 0;
}

Result<ChildOutput> Child::listen(const std::atomic<bool>& stop) {
  ChildOutput result;
  while (output_.from.is_open() || errors_.from.is_open() || !has_ended()) {
    pollfd waiting[] = {{output_.from.get(), POLLIN, 0}, {errors_.from.get(), POLLIN, 0}};
    const bool silent = !output_.from.is_open() && !errors_.from.is_open();
    const int n_ready = ::poll(waiting, 2, silent ? 1 : kPollMilliseconds);
    if (stop) {
      end();
      return Error("stopped");
    }
    if (n_ready <= 0) continue;
    if (waiting[0].revents != 0) take(output_.from, result.text);
    if (waiting[1].revents != 0) take(errors_.from, result.errors);
    if (result.errors.size() > kKeptErrors) result.errors.erase(0, result.errors.size() - kKeptErrors);
    if (result.text.size() > kMostOutput) {
      end();
      return Error(fmt::format("prints more than {} MiB", kMostOutput >> 20));
    }
  }
  result.exit_status = WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
  return result;
}

/// Asks the whole group to end, and makes it when its leader does not. The leader is not waited for before the last
/// signal, so that its number cannot mean another group by then.
void Child::end() {
  ::kill(-pid_, SIGTERM);
  const auto last_moment = std::chrono::steady_clock::now() + kGrace;
  siginfo_t info{};
  const auto leader_lives = [&] {
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
  };
  while (leader_lives() && std::chrono::steady_clock::now() < last_moment) ::poll(nullptr, 0, 5);
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, &status_, 0);
  pid_ = 0;
}

}  // namespace

Result<ChildOutput> run_child(const ChildCommand& command, const std::atomic<bool>& stop) {
  Child child;
  ONDOL_TRY(child.start(command));
  return child.listen(stop);
}

}  // namespace ondol::cli
