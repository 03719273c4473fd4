#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "agent/call_filter.h"
#include "agent/cell_request.h"
#include "agent/confined_run.h"
#include "agent/sandbox_files.h"
#include "agent/sandbox_kinds.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

constexpr int kScopesSignals = 6;  // the version of Landlock

int landlock_version() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1);
  return version < 0 ? 0 : static_cast<int>(version);
}

/// Settings of the kernel without anything about processes.
constexpr const char* kKernelFiles[] = {"/proc/cpuinfo",     "/proc/meminfo",          "/proc/stat",
                                        "/proc/version",     "/proc/loadavg",          "/proc/uptime",
                                        "/proc/filesystems", "/sys/devices/system/cpu"};
constexpr const char* kDevices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};

class Rules {
 public:
  void add(std::string_view rights, const std::string& path) {
    add_field(request_, CellField::kRule, fmt::format("{} {}", rights, path));
  }

  void add_system() {
    for (const char* folder : system_folders()) add("lrx", folder);
    for (const char* path : system_settings()) add("lr", path);
    for (const char* path : kKernelFiles) add("lr", path);
    for (const char* path : kDevices) add("rw", path);
  }

  /// Rules only allow. Where something below is hidden, its neighbours are allowed one by one, and the folder that
  /// they lie in only to be listed: nothing new can be made there.
  void add_folder(const std::string& folder, std::string_view rights, const std::vector<HiddenPlace>& hidden) {
    const auto lies_below = [](const std::string& path, const std::string& place) {
      return path.size() > place.size() && path.starts_with(place) && path[place.size()] == '/';
    };
    if (std::none_of(hidden.begin(), hidden.end(),
                     [&](const HiddenPlace& place) { return lies_below(place.path, folder); })) {
      add(rights, folder);
      return;
    }
    add("l", folder);
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), last; !error && entry != last; entry.increment(error)) {
      const std::string path = entry->path().string();
      const auto is_hidden = [&](const HiddenPlace& place) { return place.path == path; };
      if (std::any_of(hidden.begin(), hidden.end(), is_hidden) || entry->is_symlink(error)) continue;
      entry->is_directory(error) ? add_folder(path, rights, hidden) : add(rights, path);
    }
  }

  std::string take() { return std::move(request_); }

 private:
  std::string request_;
};

class LandlockSandbox : public Sandbox {
 public:
  LandlockSandbox(std::string cell, int version) : cell_(std::move(cell)), version_(version) {}

  Kind kind() const override { return Kind::kLandlock; }
  std::string description() const override {
    return fmt::format(
        "Landlock (version {}) with a filter of system calls; without namespaces it gives programs no network at all, "
        "no sockets, no changes of permissions, /tmp or /proc, {}and nothing new beside hidden files; names and sizes "
        "of files elsewhere can be asked for",
        version_, version_ >= kScopesSignals ? "" : "no signals to single processes, ");
  }

  Result<SandboxedRun> run(const SandboxedCommand& asked, const std::function<bool()>& goes_on) override {
    SandboxedCommand command = asked;
    if (command.arguments.empty()) return Error("expected a program to run");
    if (!command.proxy_socket.empty())
      return Error(
          "programs can reach the network only in bubblewrap's sandbox, which does not work here; see "
          "ondol doctor");
    command.workspace = ONDOL_TRY(checked_workspace(command.workspace));
    std::vector<HiddenPlace> hidden = ONDOL_TRY(hidden_places(command.workspace, command.hidden));
    std::erase_if(hidden, [](const HiddenPlace& place) { return place.kind == HiddenPlace::Kind::kAbsent; });
    const TemporaryPlace temporary = ONDOL_TRY(TemporaryPlace::make());
    Rules rules;
    rules.add_system();
    rules.add_folder(command.workspace, command.may_write ? "lrxwc" : "lrx", hidden);
    rules.add("lrxwc", temporary.path());
    CellStart start;
    start.program = cell_;
    start.arguments = {"ondol-cell"};
    start.request = cell_request(command, sandbox_variables(command, temporary.path()), false) + rules.take();
    start.filter = ONDOL_TRY(make_call_filter({true, version_ >= kScopesSignals}));
    start.temporary_folder = temporary.path();
    return run_cell(start, command, goes_on);
  }

 private:
  std::string cell_;
  int version_;
};

}  // namespace

Result<std::unique_ptr<Sandbox>> make_landlock_sandbox(const std::string& cell) {
  const int version = landlock_version();
  if (version < 1) return Error("this kernel has no Landlock (Linux 5.13 or later, with landlock in its lsm= list)");
  ONDOL_TRY(make_call_filter({true, version >= kScopesSignals}));
  return std::unique_ptr<Sandbox>(std::make_unique<LandlockSandbox>(cell, version));
}

}  // namespace ondol
