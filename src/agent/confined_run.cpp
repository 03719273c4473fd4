#include "agent/confined_run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "agent/cell_request.h"
#include "agent/disk_watch.h"
#include "agent/process_tree.h"
#include "base/json.h"
#include "base/subprocess.h"

namespace ondol {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kStartTime = std::chrono::seconds(20);
constexpr auto kEndTime = std::chrono::seconds(10);
constexpr auto kWatchPause = std::chrono::milliseconds(20);
constexpr int kOpenFiles = 1024;
constexpr uint64_t kStackBytes = 8 << 20;

Error system_error(std::string_view what) {
  return Error(fmt::format("{}: {}", what, std::strerror(errno)));
}

/// A file without a name that is read from its beginning, and that nobody can write any more.
Result<Descriptor> file_with(std::string_view bytes) {
  Descriptor file(::memfd_create("ondol", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.is_open()) return system_error("no memory file");
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0) return system_error("a memory file cannot be written");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return file;
}

struct Pipe {
  Descriptor read;
  Descriptor write;
};

/// The side that this process reads never blocks.
Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("no pipe");
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  return pipe;
}

void never_block(const Descriptor& fd) {
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
}

/// Takes what is there. False: nothing will come any more.
bool read_some(const Descriptor& fd, std::string& bytes, size_t most) {
  char piece[16384];
  while (bytes.size() < most) {
    const ssize_t n = ::read(fd.get(), piece, sizeof piece);
    if (n == 0) return false;
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    bytes.append(piece, static_cast<size_t>(n));
  }
  return true;
}

class Run {
 public:
  Run(const CellStart& start, const SandboxedCommand& command, const std::function<bool()>& goes_on)
      : start_(start), command_(command), limits_(command.limits), goes_on_(goes_on) {}

  Result<SandboxedRun> run() {
    std::vector<std::string> folders = {command_.workspace};
    if (!start_.temporary_folder.empty()) folders.push_back(start_.temporary_folder);
    disk_.emplace(command_.may_write ? folders : std::vector<std::string>(folders.begin() + 1, folders.end()),
                  limits_.disk_bytes, limits_.files);
    ONDOL_TRY(start());
    const auto begun = await_ready();
    if (!begun) {
      process_->end();
      return begun.error();
    }
    begin_ = Clock::now();
    if (::write(life_.get(), "g", 1) != 1) return not_started();
    watch();
    end();
    result_.seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    if (!failure_.empty()) return Error(failure_);
    return std::move(result_);
  }

 private:
  Result<void> start() {
    Pipe output = ONDOL_TRY(make_pipe()), status = ONDOL_TRY(make_pipe()), life = ONDOL_TRY(make_pipe());
    Pipe info = ONDOL_TRY(make_pipe());
    const Descriptor input = ONDOL_TRY(file_with(command_.input));
    const Descriptor request = ONDOL_TRY(file_with(start_.request));
    std::vector<int> places = {input.get(),        output.write.get(), output.write.get(), request.get(),
                               status.write.get(), life.read.get(),    start_.filter.get()};
    std::vector<Descriptor> files;
    if (start_.has_bubblewrap) {
      files.push_back(ONDOL_TRY(file_with(start_.bubblewrap_arguments)));
      places.push_back(files.back().get());
      places.push_back(info.write.get());
      for (const std::string& content : start_.files) {
        files.push_back(ONDOL_TRY(file_with(content)));
        places.push_back(files.back().get());
      }
    }
    ::lseek(start_.filter.get(), 0, SEEK_SET);
    process_.emplace(ONDOL_TRY(Subprocess::start(start_.program, start_.arguments, places)));
    output_ = std::move(output.read);
    status_ = std::move(status.read);
    life_ = std::move(life.write);
    info_ = std::move(info.read);
    for (const Descriptor* fd : {&output_, &status_, &info_}) never_block(*fd);
    return {};
  }

  Error not_started() {
    read_some(output_, result_.output, limits_.output_bytes);
    std::string why = failure_.empty() ? result_.output : failure_;
    while (!why.empty() && why.back() == '\n') why.pop_back();
    return Error(why.empty() ? "the sandbox's first program ended at once" : why);
  }

  /// The cell waits for leave to start the program, so that its end can be watched from before its beginning.
  Result<void> await_ready() {
    const auto deadline = Clock::now() + kStartTime;
    while (!is_ready_) {
      if (Clock::now() > deadline) return Error("the sandbox's first program did not start in time");
      pollfd wait{status_.get(), POLLIN, 0};
      ::poll(&wait, 1, 100);
      if (!take_status() || !failure_.empty()) return not_started();
    }
    pid_t pid = process_->pid();
    if (start_.has_bubblewrap) {
      std::string text;
      read_some(info_, text, 1 << 16);
      const auto info = parse_json(text);
      pid = info ? static_cast<pid_t>(int_or(*info, "child-pid", 0)) : 0;
    }
    root_ = pid;
    if (pid > 0) handle_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!handle_.is_open()) return system_error("the sandbox's first process cannot be watched");
    return {};
  }

  /// False: the cell has closed it.
  bool take_status() {
    std::string bytes;
    const bool goes_on = read_some(status_, bytes, 1 << 16);
    status_text_ += bytes;
    for (size_t end = status_text_.find('\n'); end != std::string::npos; end = status_text_.find('\n')) {
      take_status_line(std::string_view(status_text_).substr(0, end));
      status_text_.erase(0, end + 1);
    }
    return goes_on;
  }

  void take_status_line(std::string_view line) {
    const size_t space = line.find(' ');
    const std::string_view word = line.substr(0, space);
    int number = 0;
    std::string_view rest;
    if (space != line.npos) {
      const char* from = line.data() + space + 1;
      const char* behind = std::from_chars(from, line.data() + line.size(), number).ptr;
      rest = line.substr(static_cast<size_t>(behind - line.data()));
    }
    if (word == "ready") is_ready_ = true;
    if (word == "failed" && failure_.empty()) {
      failure_ = rest == " start" ? fmt::format("{}: cannot be started in the sandbox: {}", command_.arguments[0],
                                                std::strerror(number))
                                  : fmt::format("the sandbox refused at{}: {}", rest, std::strerror(number));
    }
    if (word == "exit") result_.exit_status = number;
    if (word == "signal") result_.signal = number;
    if (word == "exit" || word == "signal") has_ended_ = true;
  }

  void take_output() {
    if (!output_.is_open()) return;
    const size_t most = limits_.output_bytes;
    if (!read_some(output_, result_.output, most + 1)) output_.close();
    if (result_.output.size() <= most) return;
    result_.output_was_cut = true;
    std::string rest;
    // The program must not wait for a reader; at most a second's worth at a time, then the limits are looked at.
    if (output_.is_open() && !read_some(output_, rest, 4 << 20)) output_.close();
    result_.output.resize(most);
  }

  void watch() {
    const auto deadline = begin_ + std::chrono::duration_cast<Clock::duration>(
                                       std::chrono::duration<double>(std::min(limits_.seconds, 1e6)));
    auto next_watch = begin_;
    while (!has_ended_ && failure_.empty()) {
      pollfd waits[] = {{status_.get(), POLLIN, 0}, {output_.get(), POLLIN, 0}, {handle_.get(), POLLIN, 0}};
      ::poll(waits, 3, static_cast<int>(kWatchPause.count()));
      take_output();
      if (!take_status() || (waits[2].revents & POLLIN)) {
        take_status();
        break;
      }
      if (has_ended_ || Clock::now() < next_watch) continue;
      if (Clock::now() > deadline) result_.timed_out = true;
      if (goes_on_ && !goes_on_()) result_.was_stopped = true;
      if (disk_->is_over() || temporary_is_full()) result_.disk_was_full = true;
      if (result_.timed_out || result_.was_stopped || result_.disk_was_full || processes_are_over()) break;
      next_watch = Clock::now() + kWatchPause;
    }
  }

  /// The names in the sandbox's own /tmp: the kernel limits its bytes only.
  bool temporary_is_full() const {
    if (!start_.temporary_folder.empty()) return false;
    struct statfs info {};
    if (::statfs(fmt::format("/proc/{}/root/tmp", root_).c_str(), &info) != 0) return false;
    return static_cast<int64_t>(info.f_files - info.f_ffree) > limits_.files;
  }

  bool processes_are_over() {
    const auto most = static_cast<size_t>(limits_.processes);
    // The forwarder is none of the program's.
    const size_t n_own = command_.proxy_socket.empty() ? 0 : 1;
    const std::vector<pid_t> processes = processes_below(root_, most + n_own + 1);
    const ProcessTree tree = measure_processes(processes);
    result_.processes_were_too_many = tree.n_processes > static_cast<int64_t>(most + n_own);
    result_.memory_was_full = tree.memory_bytes > limits_.memory_bytes;
    if (disk_->has_lost_space() && nameless_file_bytes(processes) > limits_.disk_bytes) result_.disk_was_full = true;
    return result_.processes_were_too_many || result_.memory_was_full || result_.disk_was_full;
  }

  bool wait_for_end(Clock::duration time) {
    const auto deadline = Clock::now() + time;
    while (Clock::now() < deadline) {
      pollfd wait{handle_.get(), POLLIN, 0};
      if (::poll(&wait, 1, 20) == 1) return true;
      take_output();  // what waits for a reader ends only when it is read
    }
    return false;
  }

  /// A process namespace ends with its first process. Without one, the cell ends its descendants, which may take it
  /// some time, and is then the last.
  void end() {
    life_.close();
    if (start_.has_bubblewrap && !has_ended_) ::syscall(SYS_pidfd_send_signal, handle_.get(), SIGKILL, nullptr, 0);
    if (!wait_for_end(kEndTime)) {
      for (const pid_t pid : processes_below(root_, size_t{1} << 20)) ::kill(pid, SIGKILL);
      ::syscall(SYS_pidfd_send_signal, handle_.get(), SIGKILL, nullptr, 0);
      wait_for_end(kEndTime);
    }
    process_->wait_at_most(2000);
    take_status();
    take_output();
    const bool was_ended = result_.timed_out || result_.was_stopped || result_.disk_was_full ||
                           result_.memory_was_full || result_.processes_were_too_many;
    if (!has_ended_ && failure_.empty()) result_.signal = SIGKILL;
    if (!was_ended && disk_->is_over_now()) result_.disk_was_full = true;
  }

  const CellStart& start_;
  const SandboxedCommand& command_;
  const SandboxLimits& limits_;
  const std::function<bool()>& goes_on_;
  std::optional<DiskWatch> disk_;
  std::optional<Subprocess> process_;
  Descriptor output_, status_, life_, info_;
  Descriptor handle_;  // of root_
  pid_t root_ = 0;     // the cell
  std::string status_text_;
  bool is_ready_ = false;
  bool has_ended_ = false;  // the program
  std::string failure_;
  Clock::time_point begin_;
  SandboxedRun result_;
};

}  // namespace

std::vector<std::string> sandbox_variables(const SandboxedCommand& command, const std::string& temporary_folder) {
  std::vector<std::string> variables = {"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
                                        "HOME=" + command.workspace, "LANG=C.UTF-8", "TMPDIR=" + temporary_folder};
  if (!command.proxy_socket.empty()) {
    const std::string proxy = fmt::format("http://127.0.0.1:{}", kProxyPort);
    for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"}) {
      variables.push_back(fmt::format("{}={}", name, proxy));
    }
  }
  variables.insert(variables.end(), command.environment.begin(), command.environment.end());
  return variables;
}

std::string cell_request(const SandboxedCommand& command, std::vector<std::string> variables, bool has_namespaces) {
  std::string request;
  add_field(request, CellField::kKind, has_namespaces ? "b" : "l");
  for (const std::string& argument : command.arguments) add_field(request, CellField::kArgument, argument);
  for (const std::string& variable : variables) add_field(request, CellField::kVariable, variable);
  add_field(request, CellField::kFolder, command.workspace);
  const SandboxLimits& limits = command.limits;
  const auto cores = static_cast<double>(std::max(1U, std::thread::hardware_concurrency()));
  const std::pair<int, uint64_t> kernel_limits[] = {
      // Of private memory that can be written: programs reserve far more addresses than they use.
      {RLIMIT_DATA, limits.memory_bytes},
      {RLIMIT_FSIZE, limits.file_bytes},
      {RLIMIT_CPU, static_cast<uint64_t>(std::ceil(std::min(limits.seconds, 1e6) * cores)) + 1},
      {RLIMIT_NOFILE, kOpenFiles},
      {RLIMIT_STACK, kStackBytes},
      {RLIMIT_MSGQUEUE, 1 << 20},
      {RLIMIT_MEMLOCK, 1 << 20},
      // No file is so small, and the kernel gives no core of this size to a program outside either (core(5)).
      {RLIMIT_CORE, 1},
  };
  for (const auto& [resource, most] : kernel_limits)
    add_field(request, CellField::kLimit, fmt::format("{} {}", resource, most));
  add_field(request, CellField::kProcesses, std::to_string(limits.processes));
  return request;
}

Result<SandboxedRun> run_cell(const CellStart& start, const SandboxedCommand& command,
                              const std::function<bool()>& goes_on) {
  return Run(start, command, goes_on).run();
}

}  // namespace ondol
