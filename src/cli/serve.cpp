// ondol serve: the HTTP server.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <iterator>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/agent_parts.h"
#include "cli/command.h"
#include "cli/document_store_option.h"
#include "cli/language.h"
#include "cli/open_embedder.h"
#include "cli/open_reranker.h"
#include "cli/options.h"
#include "cli/serve_options.h"
#include "cli/terminal.h"
#include "server/agent_service.h"
#include "server/request_log.h"
#include "server/routes.h"
#include "server/server.h"
#include "server/vector_stores.h"

namespace ondol::cli {
namespace {

constexpr std::chrono::seconds kGrace{30};
constexpr size_t kWorkers = 2;

/// Waits for Ctrl-C and SIGTERM on a thread of its own, on behalf of all threads that are started after it.
class StopSignals {
 public:
  explicit StopSignals(std::function<void()> on_first) : on_first_(std::move(on_first)) {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGINT);
    ::sigaddset(&set_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files is an error like a full disk
    thread_ = std::thread([this] { wait(); });
  }
  ~StopSignals() {
    is_done_ = true;
    ::pthread_kill(thread_.native_handle(), SIGTERM);
    thread_.join();
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  void wait() {
    for (int n = 0;; ++n) {
      int signal = 0;
      ::sigwait(&set_, &signal);
      if (is_done_) return;
      // A second one means "now".
      if (n > 0) ::_exit(128 + signal);
      on_first_();
    }
  }

  std::function<void()> on_first_;
  sigset_t set_{};
  sigset_t before_{};
  std::atomic<bool> is_done_{false};
  std::thread thread_;
};

void log_message(LogForm form, const std::string& message) {
  if (form == LogForm::kNone) return;
  const std::string line =
      form == LogForm::kJson ? json::serialize(json::object{{"event", "message"}, {"message", message}}) : message;
  std::fprintf(stderr, "%s\n", line.c_str());
}

server::Server::Recorder make_recorder(server::Services& services, LogForm form) {
  return [&services, form](const server::RequestRecord& record) {
    services.metrics.request_ended(record);
    if (form == LogForm::kNone) return;
    const auto now = std::time(nullptr);
    const std::string line = form == LogForm::kJson ? log_json(record, now) : log_text(record, now);
    std::fprintf(stderr, "%s\n", line.c_str());
  };
}

void greet(const ServeOptions& options, const server::Services& services, const server::Server& server) {
  const auto model = services.models->catalog().find("");
  const bool has_keys = !options.server.keys.empty();
  const std::string url = server.url();
  fmt::print("{}\n", fmt::format(fmt::runtime(tr("Ondol serves {} at {} (stop: Ctrl-C)")),
                                 model.error ? std::string(tr("no model yet")) : model.model.name, url));
  fmt::print(
      "  curl {}{}/v1/chat/completions {}-d '{{\"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}'\n",
      url.starts_with("https") ? "-k " : "", url, has_keys ? "-H 'Authorization: Bearer KEY' " : "");
  if (options.has_page) fmt::print("  {}\n", fmt::format(fmt::runtime(tr("or open {} in a browser")), url));
  std::fflush(stdout);
  if (model.error) std::fprintf(stderr, "%s\n", model.error->message.c_str());
  if (!has_keys && !is_local(options.server.host)) {
    std::fprintf(
        stderr, "%s\n",
        std::string(tr("warning: everybody who can reach this machine can use the models; set a key with --api-key"))
            .c_str());
  }
}

template <typename T>
void warn(const Result<T>& result) {
  if (!result) std::fprintf(stderr, "%s %s\n", std::string(tr("warning:")).c_str(), result.error().message().c_str());
}

/// Agents' things lie beside the server's, so that it and `ondol act` do not work on the same sessions.
Result<void> enable_agents(const ServeOptions& options, server::Services& services) {
  if (options.workspaces.empty()) return {};
  if (options.data_folder.empty())
    return Error("--workspace: expected a --data-dir with it, which keeps what agents do");
  server::AgentOptions agents;
  agents.workspaces = options.workspaces;
  agents.places = agent_places(options.data_folder + "/agents", "");
  agents.table = options.agent_table.empty() ? agents.places.data_folder + "/jobs.db" : options.agent_table;
  agents.n_workers = options.n_agent_workers;
  agents.log = [form = options.log](const std::string& message) { log_message(form, message); };
  return services.enable_agents(std::move(agents));
}

Result<void> serve(const ServeFlags& flags, const Globals& globals) {
  const ServeOptions options = ONDOL_TRY(flags.resolved(globals.verbose || stderr_is_terminal()));
  std::mutex mutex;
  server::Server* running = nullptr;
  std::function<void()> stop_long_work;
  const StopSignals signals([&] {
    const std::lock_guard lock(mutex);
    if (running == nullptr) ::_exit(130);
    stop_long_work();
    running->stop(kGrace);
  });
  server::PoolOptions pool_options = options.pool;
  pool_options.load.log = [form = options.log](const std::string& message) { log_message(form, message); };
  server::Services services(ONDOL_TRY(server::ModelPool::create(std::move(pool_options))), kWorkers,
                            options.data_folder);
  // The port first: whether it is free is known at once, and models take seconds.
  std::vector<server::Route> routes = server::all_routes(services);
  std::ranges::move(options.has_page ? server::page_routes() : server::pageless_routes(), std::back_inserter(routes));
  const auto server =
      ONDOL_TRY(server::Server::create(options.server, std::move(routes), make_recorder(services, options.log)));
  ONDOL_TRY(services.vector_stores.offer({options.stores, reader_program(), open_embedder, open_reranker}));
  ONDOL_TRY(services.hosted.offer(options.hosted));
  if (services.hosted.runs_code()) warn(services.hosted.sandbox());
  ONDOL_TRY(enable_agents(options, services));
  // Another server may have the folder: this one then answers all the same, but keeps nothing.
  warn(services.load_data());
  ONDOL_TRY(services.models->load_all());
  services.start();
  greet(options, services, *server);
  {
    const std::lock_guard lock(mutex);
    running = server.get();
    stop_long_work = [&services] { services.stop_long_work(); };
  }
  server->run();
  const std::lock_guard lock(mutex);
  running = nullptr;
  return {};
}

}  // namespace

void add_serve(CLI::App& app, const Globals& globals) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command =
      add_command(app, "serve", "Serve models to other programs over HTTP",
                  "  ondol serve qwen3-0.6b\n"
                  "  ondol serve chat.gguf embeddings.gguf --port 8000 --api-key me=SECRET\n"
                  "  ondol serve MODEL --adapter law=law.gguf --adapter poems=poems/=0.8\n"
                  "  ondol serve MODEL --store notes=notes.db\n"
                  "  ondol serve MODEL --workspace ~/notes       and agents that work there\n"
                  "  ondol serve --host 0.0.0.0 --api-key-file keys.txt --tls-cert c.pem --tls-key k.pem\n",
                  [flags, &globals] { return serve(*flags, globals); });
  flags->add_to(*command);
}

}  // namespace ondol::cli
