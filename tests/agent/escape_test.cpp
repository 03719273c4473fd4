// Every attempt of escapes.txt, in both kinds of sandbox. What an attempt says of itself is not enough: after each, the
// world outside is looked at.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

#include "agent/process_tree.h"
#include "agent/sandbox.h"
#include "base/descriptor.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSecret = "TOP-SECRET-7391";
constexpr const char* kGitSettings = "[remote]\n\turl = https://token@example.org\n";

struct Attempt {
  std::string name;
  std::string only;
  std::string ends = "refused";
  std::string runs = "python";
  bool hides = false;
  bool works_outside = false;
  std::string script;
};

void PrintTo(const Attempt& attempt, std::ostream* out) {
  *out << attempt.name;
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<Attempt> read_attempts() {
  std::vector<Attempt> attempts;
  std::istringstream lines(text_of(fs::path(ONDOL_SOURCE_DIR) / "tests/agent/escapes.txt"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("== ")) {
      std::istringstream words(line.substr(3));
      Attempt attempt;
      words >> attempt.name;
      for (std::string word; words >> word;) {
        const std::string value = word.substr(word.find('=') + 1);
        if (word.starts_with("only=")) attempt.only = value;
        if (word.starts_with("ends=")) attempt.ends = value;
        if (word.starts_with("runs=")) attempt.runs = value;
        if (word.starts_with("hides=")) attempt.hides = true;
        if (word.starts_with("outside=")) attempt.works_outside = true;
      }
      attempts.push_back(std::move(attempt));
    } else if (!attempts.empty()) {
      attempts.back().script += line + "\n";
    }
  }
  return attempts;
}

std::atomic<int> n_signals{0};

/// The world that an attempt wants to reach. Not in /tmp, where a sandbox has a folder of that name for itself.
class Outside {
 public:
  Outside() : base_("/var/tmp/ondol-escape-" + std::to_string(::getpid())) {
    fs::remove_all(base_);
    fs::create_directories(work() / ".git/hooks");
    fs::create_directories(work() / "sub");
    std::ofstream(base_ / "secret") << kSecret;
    std::ofstream(work() / ".git/config") << kGitSettings;
    std::ofstream(work() / ".env") << "KEY=" << kSecret;
    std::ofstream(work() / "sub/id_rsa") << kSecret;
    std::ofstream(work() / "plain") << "nothing\n";
    fs::create_symlink(base_ / "secret", work() / "link-out");
    ::setenv("ONDOL_TEST_SECRET", kSecret, 1);
    ::chmod((base_ / "secret").c_str(), 0644);
    // Without O_CLOEXEC, as careless libraries do.
    inherited_.reset(::open((base_ / "secret").c_str(), O_RDWR));
    ::lstat((base_ / "secret").c_str(), &secret_);
    ::getrlimit(RLIMIT_CPU, &cpu_limit_);
    priority_ = ::getpriority(PRIO_PROCESS, 0);
    for (const int number : {SIGTERM, SIGHUP, SIGUSR1, SIGURG, SIGIO}) ::signal(number, [](int) { ++n_signals; });
    n_signals = 0;
    listen_everywhere();
  }
  ~Outside() {
    ::signal(SIGTERM, SIG_DFL);
    std::error_code ignored;
    fs::remove_all(base_, ignored);
  }

  fs::path work() const { return base_ / "work"; }

  std::string known() const {
    return fmt::format("OUT = \"{}\"\nPORT = {}\nPORT6 = {}\nPID = {}\nABSTRACT = \"{}\"\n", base_.string(), port_,
                       port6_, ::getpid(), abstract());
  }

  void expect_untouched(bool is_hidden) const {
    EXPECT_EQ(text_of(base_ / "secret"), kSecret);
    struct stat now {};
    ::lstat((base_ / "secret").c_str(), &now);
    EXPECT_EQ(now.st_mode, secret_.st_mode);
    EXPECT_EQ(now.st_uid, secret_.st_uid);
    EXPECT_EQ(now.st_mtim.tv_sec, secret_.st_mtim.tv_sec);
    EXPECT_EQ(now.st_nlink, secret_.st_nlink);
    for (const auto& entry : fs::directory_iterator(base_)) {
      const std::string name = entry.path().filename();
      EXPECT_TRUE(name == "secret" || name == "host.sock" || name == "work") << name << " was made outside";
    }
    if (is_hidden) {
      EXPECT_EQ(text_of(work() / ".git/config"), kGitSettings);
      EXPECT_TRUE(fs::is_empty(work() / ".git/hooks"));
      EXPECT_EQ(text_of(work() / ".env"), std::string("KEY=") + kSecret);
      EXPECT_EQ(
          text_of(work() / "sub/id_rsa").empty() ? text_of(work() / "sub2/id_rsa") : text_of(work() / "sub/id_rsa"),
          kSecret);
    }
    EXPECT_EQ(n_signals, 0) << "signals came";
    rlimit limit{};
    ::getrlimit(RLIMIT_CPU, &limit);
    EXPECT_EQ(limit.rlim_max, cpu_limit_.rlim_max);
    EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), priority_);
    for (const auto& listener : listeners_) {
      pollfd wait{listener.get(), POLLIN, 0};
      EXPECT_EQ(::poll(&wait, 1, 0), 0) << "a socket of the host was reached";
    }
    expect_nobody_left();
  }

 private:
  static std::string abstract() { return fmt::format("ondol-escape-{}", ::getpid()); }

  void expect_nobody_left() const {
    EXPECT_TRUE(processes_below(::getpid(), 100).empty()) << "processes are left";
    const std::string before = text_of(work() / "heartbeat");
    if (before.empty()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_EQ(text_of(work() / "heartbeat").size(), before.size()) << "a process still writes";
  }

  void listen_unix(const std::string& name, int kind) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    listeners_.emplace_back(::socket(AF_UNIX, kind | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(listeners_.back().get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    if (kind == SOCK_STREAM) ::listen(listeners_.back().get(), 8);
  }

  template <typename Address>
  int listen_ip(Address address, int family, int kind) {
    listeners_.emplace_back(::socket(family, kind | SOCK_CLOEXEC, 0));
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    if (::bind(listeners_.back().get(), plain, size) != 0) {
      listeners_.pop_back();  // no IPv6 here
      return 9;
    }
    if (kind == SOCK_STREAM) ::listen(listeners_.back().get(), 8);
    ::getsockname(listeners_.back().get(), plain, &size);
    return family == AF_INET ? ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port)
                             : ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
  }

  void listen_everywhere() {
    listen_unix(base_ / "host.sock", SOCK_STREAM);
    listen_unix(work() / "door.sock", SOCK_STREAM);
    listen_unix(std::string(1, '\0') + abstract(), SOCK_STREAM);
    listen_unix(std::string(1, '\0') + abstract() + "-datagram", SOCK_DGRAM);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    port_ = listen_ip(here, AF_INET, SOCK_STREAM);
    here.sin_port = htons(static_cast<uint16_t>(port_));
    listen_ip(here, AF_INET, SOCK_DGRAM);
    sockaddr_in6 here6{};
    here6.sin6_family = AF_INET6;
    here6.sin6_addr = IN6ADDR_LOOPBACK_INIT;
    port6_ = listen_ip(here6, AF_INET6, SOCK_STREAM);
  }

  fs::path base_;
  Descriptor inherited_;
  struct stat secret_ {};
  rlimit cpu_limit_{};
  int priority_ = 0;
  std::vector<Descriptor> listeners_;
  int port_ = 0;
  int port6_ = 0;
};

SandboxLimits limits_for(const Attempt& attempt) {
  SandboxLimits limits;
  limits.seconds = attempt.ends == "time" ? 1.5 : 20;
  limits.memory_bytes = uint64_t{256} << 20;
  limits.file_bytes = uint64_t{16} << 20;
  limits.disk_bytes = uint64_t{96} << 20;
  limits.files = 3000;
  limits.processes = 40;
  limits.output_bytes = 64 << 10;
  if (attempt.ends == "processes") limits.seconds = 3;
  return limits;
}

void expect_reported(const Attempt& attempt, const SandboxedRun& run, const SandboxLimits& limits) {
  EXPECT_EQ(run.output.find("ESCAPED"), std::string::npos);
  EXPECT_EQ(run.output.find(kSecret), std::string::npos);
  EXPECT_LE(run.output.size(), limits.output_bytes);
  EXPECT_LT(run.seconds, limits.seconds + 5);
  const std::map<std::string, bool> ways = {
      {"refused", run.output.find("refused") != std::string::npos},
      {"time", run.timed_out},
      {"disk", run.disk_was_full},
      {"memory", run.memory_was_full},
      // New ones are refused: the program gives up, or time ends it.
      {"processes", run.processes_were_too_many || run.timed_out || run.exit_status > 0},
      {"signal", run.signal != 0 || run.exit_status > 0},
      {"cut", run.output_was_cut},
      {"quiet", true},
  };
  EXPECT_TRUE(ways.at(attempt.ends)) << "expected to end by: " << attempt.ends;
  EXPECT_EQ(run.output_was_cut, attempt.ends == "cut");
}

/// What the program reads: the script behind what all share.
std::string whole_script(const Attempt& attempt, const Outside& outside) {
  if (attempt.runs == "sh") return attempt.script;
  return text_of(fs::path(ONDOL_SOURCE_DIR) / "tests/agent/escapes.py") + outside.known() + attempt.script;
}

/// The most processes and threads below this process that a look now and then finds.
class MostProcesses {
 public:
  MostProcesses() {
    thread_ = std::thread([this] {
      while (!is_done_) {
        most_ = std::max(most_, measure_processes(processes_below(::getpid(), 100000)).n_processes);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
    });
  }
  int64_t take() {
    is_done_ = true;
    thread_.join();
    return most_;
  }

 private:
  std::atomic<bool> is_done_ = false;
  int64_t most_ = 0;
  std::thread thread_;
};

using Case = std::tuple<std::string, Attempt>;

class EscapeTest : public testing::TestWithParam<Case> {};

TEST_P(EscapeTest, Fails) {
  const auto& [kind, attempt] = GetParam();
  auto sandbox = Sandbox::open(kind);
  if (!sandbox) GTEST_SKIP() << sandbox.error().message();
  Outside outside;
  SandboxedCommand command;
  command.arguments = {attempt.runs == "sh" ? "sh" : "python3", attempt.runs == "sh" ? "-s" : "-"};
  command.input = whole_script(attempt, outside);
  command.workspace = outside.work();
  if (attempt.hides) command.hidden = {".git", ".env", "sub/id_rsa"};
  command.limits = limits_for(attempt);
  MostProcesses most;
  const auto run = (*sandbox)->run(command, {});
  const int64_t n_processes = most.take();
  if (!run && run.error().message().find("No such file") != std::string::npos) GTEST_SKIP() << run.error().message();
  ASSERT_TRUE(run) << run.error().message();
  SCOPED_TRACE("exit " + std::to_string(run->exit_status) + ", signal " + std::to_string(run->signal) + ": " +
               run->output.substr(0, 2000));
  expect_reported(attempt, *run, command.limits);
  constexpr int64_t kOwn = 4;  // bubblewrap's, the cell
  EXPECT_LE(n_processes, 2 * command.limits.processes + kOwn);
  outside.expect_untouched(attempt.hides);
}

std::vector<Case> cases() {
  std::vector<Case> cases;
  for (const std::string kind : {"bubblewrap", "landlock"}) {
    for (const Attempt& attempt : read_attempts()) {
      if (attempt.only.empty() || attempt.only == kind) cases.emplace_back(kind, attempt);
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, EscapeTest, testing::ValuesIn(cases()), [](const testing::TestParamInfo<Case>& info) {
  std::string name = std::get<0>(info.param) + "_" + std::get<1>(info.param).name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(EscapeListTest, HasSixtyForEachKind) {
  EXPECT_GE(cases().size(), 120u);
}

/// What would succeed without a sandbox, so that its failure inside says something.
class WithoutSandboxTest : public testing::TestWithParam<Attempt> {};

TEST_P(WithoutSandboxTest, Succeeds) {
  const Attempt& attempt = GetParam();
  Outside outside;
  const std::string script = outside.work().string() + "/../../ondol-escape-script-" + std::to_string(::getpid());
  std::ofstream(script) << whole_script(attempt, outside);
  const std::string command = fmt::format("cd {} && timeout -k 1 20 {} {} 2>&1", outside.work().string(),
                                          attempt.runs == "sh" ? "sh" : "python3", script);
  FILE* pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output(1 << 16, '\0');
  output.resize(std::fread(output.data(), 1, output.size(), pipe));
  ::pclose(pipe);
  fs::remove(script);
  EXPECT_NE(output.find("ESCAPED"), std::string::npos) << output;
}

std::vector<Attempt> attempts_that_work_outside() {
  std::vector<Attempt> attempts = read_attempts();
  std::erase_if(attempts, [](const Attempt& attempt) { return !attempt.works_outside; });
  return attempts;
}

INSTANTIATE_TEST_SUITE_P(All, WithoutSandboxTest, testing::ValuesIn(attempts_that_work_outside()),
                         [](const testing::TestParamInfo<Attempt>& info) {
                           std::string name = info.param.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace ondol
