#include "agent/sandbox.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "agent/sandbox_files.h"
#include "agent/sandbox_kinds.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

/// Beside this program; tests lie in a folder below it.
Result<std::string> find_cell(const std::string& wish) {
  if (!wish.empty()) return wish;
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& place : {folder / "ondol-cell", folder.parent_path() / "ondol-cell",
                                folder.parent_path() / "libexec/ondol/ondol-cell"}) {
    if (::access(place.c_str(), X_OK) == 0) return place.string();
  }
  return Error(fmt::format("expected ondol-cell in {}, found none; build it with ./ondol --version", folder.string()));
}

/// A program must see its own folder, write in it, and not see the one beside it.
Result<void> try_out(Sandbox& sandbox) {
  const TemporaryPlace place = ONDOL_TRY(TemporaryPlace::make());
  const std::string inside = place.path() + "/inside", outside = place.path() + "/outside";
  std::error_code error;
  fs::create_directory(inside, error);
  std::ofstream(outside) << "seen\n";
  SandboxedCommand command;
  command.arguments = {"sh", "-c", "echo works > file && cat file; cat ../outside 2>/dev/null"};
  command.workspace = inside;
  command.limits.seconds = 20;
  const SandboxedRun run = ONDOL_TRY(sandbox.run(command, {}));
  if (run.output == "works\n") return {};
  return Error(fmt::format("a trial gave '{}' instead of 'works'", run.output));
}

std::string first_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// What to do, from what this system says of itself.
std::string advice() {
  std::string text;
  const auto add = [&](std::string_view line) { text += fmt::format("\n  {}", line); };
  if (first_line_of("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1") {
    add("AppArmor restricts user namespaces (Ubuntu 24.04). Give bubblewrap a profile: write to "
        "/etc/apparmor.d/bwrap 'abi <abi/4.0>, profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, }' and run "
        "'sudo systemctl reload apparmor'");
  }
  if (first_line_of("/proc/sys/kernel/unprivileged_userns_clone") == "0")
    add("sudo sysctl -w kernel.unprivileged_userns_clone=1");
  if (first_line_of("/proc/sys/user/max_user_namespaces") == "0") add("sudo sysctl -w user.max_user_namespaces=15000");
  std::error_code error;
  if (fs::exists("/.dockerenv", error) || fs::exists("/run/.containerenv", error)) {
    add("This is a container: start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
        "--security-opt systempaths=unconfined, or run ondol outside of it");
  }
  if (text.empty()) add("Install bubblewrap and allow user namespaces, or use a kernel with Landlock (Linux 5.13)");
  return text;
}

}  // namespace

Result<std::unique_ptr<Sandbox>> Sandbox::open(std::string_view wish, const std::string& cell) {
  struct Way {
    std::string_view name;
    Result<std::unique_ptr<Sandbox>> (*make)(const std::string& cell);
  };
  constexpr Way kWays[] = {{"bubblewrap", make_bubblewrap_sandbox}, {"landlock", make_landlock_sandbox}};
  const std::string cell_place = ONDOL_TRY(find_cell(cell));
  std::string tried;
  for (const Way& way : kWays) {
    if (!wish.empty() && wish != way.name) continue;
    auto sandbox = way.make(cell_place);
    std::string failure = sandbox ? "" : sandbox.error().message();
    if (sandbox) {
      const auto tried_out = try_out(**sandbox);
      if (tried_out) return sandbox;
      failure = tried_out.error().message();
    }
    tried += fmt::format("\n  {}: {}", way.name, failure);
  }
  if (tried.empty()) return Error(fmt::format("sandbox '{}': expected bubblewrap or landlock", wish));
  return Error(fmt::format("no sandbox works here, and programs are not run without one. Tried:{}\nTo enable one:{}",
                           tried, advice()));
}

}  // namespace ondol
