// JobWorker: takes jobs from a table and has them done, one at a time, until it is told to stop.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "agent/jobs/job_table.h"
#include "agent/jobs/schedules.h"

namespace ondol {

/// What became of a job.
struct JobOutcome {
  enum class Kind { kDone, kFailed, kAsks, kGivenBack };
  Kind kind = Kind::kDone;
  json::value result = {};  // kDone
  std::string text = {};    // the error of kFailed, the question of kAsks
  bool is_final = false;    // kFailed: trying again would lead to the same
};

struct JobWorkerOptions {
  std::string place;  // of the table
  std::string name;   // of this worker, for people
  int64_t lease_ms = 30'000;
  JobHome home = {};  // where it keeps sessions
  int64_t retry_ms = 1'000;
  int64_t pause_ms = 500;  // between looks at a table without work
  /// Instead of sleeping so long: returns early when there may be work, or stop() was called. May be absent.
  std::function<void(int64_t pause_ms)> pause = {};
};

class JobWorker {
 public:
  struct Hooks {
    /// Asked now and then: false when the job was cancelled, its lease was lost, or the worker stops; then the work
    /// should end soon.
    std::function<bool()> goes_on;
    /// See JobTable::use_answer.
    std::function<Result<bool>()> use_answer;
    /// See JobTable::note.
    std::function<Result<bool>(std::string_view progress)> note;
    /// See JobTable::note_usage.
    std::function<Result<bool>(std::string_view usage)> note_usage;
  };
  /// Does one job.
  using Work = std::function<JobOutcome(const LeasedJob& job, const Hooks& hooks)>;

  /// `is_told_to_stop` is asked between looks at the table, and by `goes_on`: a signal's flag, for example.
  JobWorker(JobWorkerOptions options, Work work, std::function<bool()> is_told_to_stop = {})
      : options_(std::move(options)), work_(std::move(work)), is_told_to_stop_(std::move(is_told_to_stop)) {}

  /// Runs until stop(), or until there is nothing to do if `until_idle`. Error: the table cannot be opened or was lost.
  Result<void> run(bool until_idle = false);
  /// From any thread.
  void stop() { stops_ = true; }

 private:
  bool stops() const { return stops_ || (is_told_to_stop_ && is_told_to_stop_()); }
  void pause() const;
  Result<void> do_job(JobTable& table, const LeasedJob& job);
  Result<void> end_job(JobTable& table, const LeasedJob& job, const JobOutcome& outcome);

  const JobWorkerOptions options_;
  const Work work_;
  const std::function<bool()> is_told_to_stop_;
  std::atomic<bool> stops_{false};
};

}  // namespace ondol
