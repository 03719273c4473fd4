#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "agent/call_filter.h"
#include "agent/cell_request.h"
#include "agent/confined_run.h"
#include "agent/disk_watch.h"
#include "agent/sandbox_files.h"
#include "agent/sandbox_kinds.h"
#include "base/subprocess.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCellPlace = "/run/ondol/cell";
constexpr const char* kProxyPlace = "/run/ondol/proxy";
constexpr int kUser = 1000;
constexpr uint64_t kSharedMemoryBytes = uint64_t{64} << 20;

/// Folders of PATH that are absolute: another would depend on where ondol was started.
std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  const std::string folders = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  for (size_t begin = 0; begin < folders.size();) {
    const size_t end = std::min(folders.find(':', begin), folders.size());
    const std::string place = folders.substr(begin, end - begin) + "/" + name;
    if (place[0] == '/' && ::access(place.c_str(), X_OK) == 0) return place;
    begin = end + 1;
  }
  return "";
}

/// The first line that a program prints.
Result<std::string> first_line(const std::string& program, const std::string& argument) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error("no pipe");
  const Descriptor from(ends[0]);
  Descriptor to(ends[1]);
  const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Subprocess process = ONDOL_TRY(Subprocess::start(program, {program, argument}, nothing.get(), to.get()));
  to.close();
  std::string text(256, '\0');
  const ssize_t n = ::read(from.get(), text.data(), text.size());
  process.wait_at_most(2000);
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return text.substr(0, text.find('\n'));
}

/// What bubblewrap is told, and what its files hold.
class Arguments {
 public:
  void add(std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words) {
      text_ += word;
      text_ += '\0';
    }
  }
  /// A file with this content, which cannot be written.
  void add_file(const std::string& path, std::string content) {
    add({"--ro-bind-data", std::to_string(CellDescriptors::kFiles + static_cast<int>(files_.size())), path});
    files_.push_back(std::move(content));
  }

  std::string text_;
  std::vector<std::string> files_;
};

void add_system(Arguments& arguments) {
  for (const std::string folder : system_folders()) {
    std::error_code error;
    if (fs::is_symlink(folder, error)) {
      arguments.add({"--symlink", fs::read_symlink(folder, error).string(), folder});
    } else {
      arguments.add({"--ro-bind-try", folder, folder});
    }
  }
  for (const std::string path : system_settings()) arguments.add({"--ro-bind-try", path, path});
  arguments.add_file("/etc/passwd", fmt::format("ondol:x:{0}:{0}::/:/bin/sh\n", kUser));
  arguments.add_file("/etc/group", fmt::format("ondol:x:{}:\n", kUser));
  arguments.add_file("/etc/hosts", "127.0.0.1 localhost ondol\n::1 localhost\n");
}

void add_own_file_systems(Arguments& arguments, const SandboxLimits& limits) {
  const auto size = [](uint64_t bytes) { return std::to_string(std::max<uint64_t>(bytes, 4096)); };
  arguments.add({"--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size",
                 size(std::min(limits.memory_bytes, kSharedMemoryBytes)), "--tmpfs", "/dev/shm"});
  arguments.add(
      {"--perms", "1777", "--size", size(std::min(limits.disk_bytes, limits.memory_bytes)), "--tmpfs", "/tmp"});
}

/// Folders become empty ones, files empty files, sockets too; and where a .git could be made, there is an empty one,
/// since a program could otherwise leave commands there that git would run for its owner.
void hide(Arguments& arguments, const std::vector<HiddenPlace>& places) {
  for (const HiddenPlace& place : places) {
    if (place.kind == HiddenPlace::Kind::kFile) {
      arguments.add_file(place.path, "");
    } else {
      arguments.add({"--perms", "0555", "--size", "4096", "--tmpfs", place.path, "--remount-ro", place.path});
    }
  }
}

/// A folder that was only made to be covered goes away again.
class Guards {
 public:
  Guards() = default;
  Guards(const Guards&) = delete;
  Guards& operator=(const Guards&) = delete;
  ~Guards() {
    for (const std::string& path : made_) ::rmdir(path.c_str());
  }

  /// Drops absent places except those that must be guarded, which it makes.
  void make(std::vector<HiddenPlace>& places, bool may_write) {
    std::erase_if(places, [&](const HiddenPlace& place) {
      if (place.kind != HiddenPlace::Kind::kAbsent) return false;
      if (!may_write || fs::path(place.path).filename() != ".git") return true;
      if (::mkdir(place.path.c_str(), 0755) != 0) return true;
      made_.push_back(place.path);
      return false;
    });
  }

 private:
  std::vector<std::string> made_;
};

class BubblewrapSandbox : public Sandbox {
 public:
  BubblewrapSandbox(std::string program, std::string version, std::string cell)
      : program_(std::move(program)), version_(std::move(version)), cell_(std::move(cell)) {}

  Kind kind() const override { return Kind::kBubblewrap; }
  std::string description() const override {
    return fmt::format("{} with own user, process, IPC and network namespaces and a filter of system calls", version_);
  }

  Result<SandboxedRun> run(const SandboxedCommand& asked, const std::function<bool()>& goes_on) override {
    SandboxedCommand command = asked;
    if (command.arguments.empty()) return Error("expected a program to run");
    command.workspace = ONDOL_TRY(checked_workspace(command.workspace));
    for (std::string& socket : find_sockets(command.workspace)) command.hidden.push_back(std::move(socket));
    std::vector<HiddenPlace> hidden = ONDOL_TRY(hidden_places(command.workspace, command.hidden));
    Guards guards;
    guards.make(hidden, command.may_write);
    Arguments arguments = arguments_for(command, hidden);
    CellStart start;
    start.program = program_;
    start.arguments = {"bwrap", "--args", std::to_string(CellDescriptors::kArguments), "--", kCellPlace};
    start.request = cell_request(command, sandbox_variables(command, "/tmp"), true);
    if (!command.proxy_socket.empty()) add_field(start.request, CellField::kSocket, kProxyPlace);
    start.filter = ONDOL_TRY(make_call_filter({}));
    start.bubblewrap_arguments = std::move(arguments.text_);
    start.files = std::move(arguments.files_);
    start.has_bubblewrap = true;
    return run_cell(start, command, goes_on);
  }

 private:
  Arguments arguments_for(const SandboxedCommand& command, const std::vector<HiddenPlace>& hidden) const {
    Arguments arguments;
    arguments.add({"--unshare-user", "--unshare-pid",
                   "--unshare-ipc",  "--unshare-uts",
                   "--unshare-net",  "--unshare-cgroup-try",
                   "--hostname",     "ondol",
                   "--uid",          std::to_string(kUser),
                   "--gid",          std::to_string(kUser),
                   "--cap-drop",     "ALL",
                   "--clearenv",     "--die-with-parent",
                   "--new-session",  "--as-pid-1",
                   "--info-fd",      std::to_string(CellDescriptors::kInfo),
                   "--seccomp",      std::to_string(CellDescriptors::kFilter)});
    add_system(arguments);
    add_own_file_systems(arguments, command.limits);
    arguments.add({command.may_write ? "--bind" : "--ro-bind", command.workspace, command.workspace});
    hide(arguments, hidden);
    arguments.add({"--ro-bind", cell_, kCellPlace});
    if (!command.proxy_socket.empty()) arguments.add({"--ro-bind", command.proxy_socket, kProxyPlace});
    arguments.add({"--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", command.workspace});
    return arguments;
  }

  std::string program_;
  std::string version_;
  std::string cell_;
};

}  // namespace

Result<std::unique_ptr<Sandbox>> make_bubblewrap_sandbox(const std::string& cell) {
  const std::string program = find_program("bwrap");
  if (program.empty()) return Error("bubblewrap is not installed (apt install bubblewrap)");
  ONDOL_TRY(make_call_filter({}));
  const std::string version = ONDOL_TRY(first_line(program, "--version"));
  return std::unique_ptr<Sandbox>(std::make_unique<BubblewrapSandbox>(program, version, cell));
}

}  // namespace ondol
