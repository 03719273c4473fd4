#include "server/agent_service.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include <fmt/format.h>

#include "agent/jobs/worker_name.h"
#include "agent/work/session_home.h"
#include "agent/workspace.h"

namespace ondol::server {
namespace {

namespace fs = std::filesystem;
using Milliseconds = std::chrono::milliseconds;

constexpr int64_t kAfterFailureMs = 2000;
constexpr int64_t kMostTakenOver = 10'000;

bool is_below(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder.ends_with('/') ? folder : folder + "/");
}

}  // namespace

AgentService::AgentService(AgentOptions options) : options_(std::move(options)) {
  streams_ = std::make_unique<AgentStreams>(options_.table, options_.places.sessions());
}

AgentService::~AgentService() {
  stop();
}

Result<std::unique_ptr<AgentService>> AgentService::open(AgentOptions options) {
  for (std::string& folder : options.workspaces) {
    std::error_code code;
    const fs::path path = fs::canonical(folder, code);
    if (code || !fs::is_directory(path, code))
      return Error(fmt::format("--workspace: there is no folder '{}'", folder));
    folder = path.string();
    ONDOL_TRY(Workspace::open(folder));
  }
  std::error_code code;
  fs::create_directories(options.places.data_folder, code);
  // What agents read and do is nobody else's business, and the table holds secrets of hooks.
  fs::permissions(options.places.data_folder, fs::perms::owner_all, code);
  std::unique_ptr<AgentService> service(new AgentService(std::move(options)));
  service->home_ = ONDOL_TRY(session_home(service->options_.places.data_folder));
  service->table_ = ONDOL_TRY(JobTable::open(service->options_.table));
  return service;
}

/// A server that was killed left jobs with leases; the one that is started after it goes on at once.
void AgentService::take_over_from_the_dead() {
  const auto taken = with_table([](JobTable& table) -> Result<void> {
    for (const JobRecord& job : ONDOL_TRY(table.list(kMostTakenOver, {.state = JobState::kRunning}))) {
      if (is_dead_worker(job.worker)) ONDOL_TRY(table.end_leases_of(job.worker));
    }
    return {};
  });
  if (!taken) log("agents: " + taken.error().message());
}

void AgentService::start() {
  take_over_from_the_dead();
  streams_->start();
  for (int i = 0; i < options_.n_workers; ++i) {
    threads_.emplace_back([this, i] { work(i + 1); });
  }
}

void AgentService::tell_to_stop() {
  stops_ = true;
  streams_->tell_to_stop();
  wake();
}

void AgentService::stop() {
  tell_to_stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  streams_->stop();
}

std::optional<std::string> AgentService::allowed_workspace(const std::string& folder) const {
  std::error_code code;
  const fs::path path = fs::canonical(folder, code);
  if (code || !fs::is_directory(path, code)) return {};
  const std::string plain = path.string();
  const bool is_allowed = std::any_of(options_.workspaces.begin(), options_.workspaces.end(),
                                      [&](const std::string& root) { return is_below(plain, root); });
  return is_allowed ? std::optional(plain) : std::nullopt;
}

void AgentService::wake() {
  {
    const std::lock_guard lock(mutex_);
    ++n_wakes_;
  }
  changed_.notify_all();
}

void AgentService::pause(int64_t milliseconds) {
  std::unique_lock lock(mutex_);
  const uint64_t before = n_wakes_;
  changed_.wait_for(lock, Milliseconds(milliseconds), [&] { return stops_ || n_wakes_ != before; });
}

void AgentService::log(const std::string& message) const {
  if (options_.log) options_.log(message);
}

/// The thread of a worker. A database that cannot be reached is asked again.
void AgentService::work(int number) {
  JobRunner runner({.places = options_.places, .model = options_.model, .note = [this](const std::string& text) {
                      log("agents: " + text);
                    }});
  const auto is_told_to_stop = [this] { return stops_.load(); };
  const JobWorkerOptions options{.place = options_.table,
                                 .name = own_worker_name(number),
                                 .lease_ms = options_.lease_ms,
                                 .home = {.id = home_},
                                 .pause = [this](int64_t milliseconds) { pause(milliseconds); }};
  const auto do_job = [&](const LeasedJob& job, const JobWorker::Hooks& hooks) -> JobOutcome {
    const std::string folder = string_or(job.work, "workspace", "");
    // Whoever wrote to the table: only what this server's owner allowed.
    if (!allowed_workspace(folder)) {
      return {.kind = JobOutcome::Kind::kFailed,
              .text = fmt::format("'{}' is none of this server's workspaces", folder),
              .is_final = true};
    }
    return runner.run(job, hooks);
  };
  while (!stops_) {
    JobWorker worker(options, do_job, is_told_to_stop);
    const auto ended = worker.run();
    if (ended) continue;
    log("agents: " + ended.error().message());
    pause(kAfterFailureMs);
  }
}

}  // namespace ondol::server
