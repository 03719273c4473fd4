#include "agent/mcp/confined_server.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "agent/proxy.h"
#include "agent/workspace.h"

namespace ondol::mcp {
namespace {

constexpr double kNoTimeLimit = 1e6;  // seconds
constexpr int kMostProcesses = 256;

/// The sandbox runs a program to its end, on a thread that is this object's.
class ConfinedProcess : public ServerProcess {
 public:
  ConfinedProcess(Sandbox& sandbox, SandboxedCommand command, std::unique_ptr<Proxy> proxy, ServerPipes& pipes)
      : proxy_(std::move(proxy)),
        input_(std::move(pipes.input_there)),
        output_(std::move(pipes.output_there)),
        errors_(std::move(pipes.errors_there)) {
    command.descriptors = {input_.get(), output_.get(), errors_.get()};
    thread_ = std::thread([this, &sandbox, command = std::move(command)] {
      const auto run = sandbox.run(command, [this] { return !is_ending_; });
      ended(run ? words_for(*run) : run.error().message());
    });
  }
  ~ConfinedProcess() override { ConfinedProcess::wait_at_most(0); }

  void wait_at_most(int milliseconds) override {
    {
      std::unique_lock lock(mutex_);
      has_ended_.wait_for(lock, std::chrono::milliseconds(milliseconds), [this] { return !fate_.empty(); });
    }
    is_ending_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::string fate() const override {
    const std::lock_guard lock(mutex_);
    return fate_;
  }

 private:
  static std::string words_for(const SandboxedRun& run) {
    if (run.memory_was_full) return "it needed too much memory";
    if (run.disk_was_full) return "it wrote too much";
    if (run.processes_were_too_many) return "it started too many processes";
    return run.signal != 0 ? fmt::format("signal {}", run.signal) : fmt::format("exit status {}", run.exit_status);
  }

  // Who reads what it says learns from the closed ends that nothing more comes.
  void ended(std::string fate) {
    const std::lock_guard lock(mutex_);
    fate_ = std::move(fate);
    input_.close();
    output_.close();
    errors_.close();
    has_ended_.notify_all();
  }

  const std::unique_ptr<Proxy> proxy_;
  Descriptor input_, output_, errors_;
  std::atomic<bool> is_ending_{false};
  mutable std::mutex mutex_;
  std::condition_variable has_ended_;
  std::string fate_;  // "" while it runs
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Transport>> start_confined_server(const ServerCommand& server, const ServerCell& cell,
                                                         Sandbox& sandbox, const std::string& folder) {
  if (server.arguments.empty()) return Error(fmt::format("{}: no command", server.name));
  const Workspace workspace = ONDOL_TRY(Workspace::open(folder).in(server.name));
  SandboxedCommand command;
  command.arguments = server.arguments;
  command.environment = server.environment;
  command.workspace = workspace.root();
  command.hidden = workspace.hidden();
  command.may_write = cell.may_write;
  command.limits.seconds = kNoTimeLimit;
  command.limits.processes = kMostProcesses;
  std::unique_ptr<Proxy> proxy;
  if (!cell.is_sealed()) {
    ProxyOptions options;
    options.hosts = ONDOL_TRY(HostList::parse(cell.hosts).in(server.name));
    proxy = ONDOL_TRY(Proxy::start(std::move(options)));
    command.proxy_socket = proxy->socket_path();
  }
  ServerPipes pipes = ONDOL_TRY(ServerPipes::make(server.name));
  auto process = std::make_unique<ConfinedProcess>(sandbox, std::move(command), std::move(proxy), pipes);
  return speak_with(server.name, std::move(process), pipes);
}

}  // namespace ondol::mcp
