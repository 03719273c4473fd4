// AgentService: agents that work in this server: their table of jobs, the workers that do them with its models, and who
// listens to them (docs/acting.md, "In the server"). Several servers may share one table.
//
// Workers have threads of their own, since a job takes minutes; what they generate goes through the models' schedulers
// beside everything else. All methods may be called from any thread; those that look at the table may take a while.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/jobs/job_worker.h"
#include "agent/work/job_runner.h"
#include "server/agent_streams.h"

namespace ondol::server {

struct AgentOptions {
  std::vector<std::string> workspaces;  // folders that agents may work in
  std::string table;                    // as JobTable::open has it
  int n_workers = 4;
  int64_t lease_ms = 30'000;
  AgentPlaces places;
  /// See JobRunner::Parts.
  std::function<Result<std::shared_ptr<AgentModel>>(const std::string& name, std::function<bool()> goes_on)> model;
  std::function<void(const std::string& message)> log;  // may be absent
};

class AgentService {
 public:
  /// Errors: a workspace that is none, a table that cannot be opened.
  static Result<std::unique_ptr<AgentService>> open(AgentOptions options);
  ~AgentService();

  /// Begins to work. The models are there.
  void start();
  /// Gives back what is being done, and takes nothing more. Returns at once.
  void tell_to_stop();
  /// Returns when the workers have ended.
  void stop();

  const AgentOptions& options() const { return options_; }
  /// What is_workspace() allows, plain.
  const std::vector<std::string>& workspaces() const { return options_.workspaces; }
  /// The folder itself where it is one of the workspaces or below one; none otherwise.
  std::optional<std::string> allowed_workspace(const std::string& folder) const;

  /// Runs `use` with the table, one at a time; a connection that was lost is made anew.
  template <typename Use>
  auto with_table(const Use& use) -> decltype(use(std::declval<JobTable&>())) {
    const std::lock_guard lock(table_mutex_);
    if (!table_) table_ = ONDOL_TRY(JobTable::open(options_.table));
    auto result = use(*table_);
    if (!result) table_.reset();
    return result;
  }
  /// There may be work: a job was added or answered.
  void wake();

  AgentStreams& streams() { return *streams_; }

 private:
  explicit AgentService(AgentOptions options);
  void take_over_from_the_dead();
  void work(int number);
  void pause(int64_t milliseconds);
  void log(const std::string& message) const;

  AgentOptions options_;
  std::string home_;  // of the sessions here
  std::mutex table_mutex_;
  std::optional<JobTable> table_;
  std::unique_ptr<AgentStreams> streams_;
  std::atomic<bool> stops_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t n_wakes_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace ondol::server
