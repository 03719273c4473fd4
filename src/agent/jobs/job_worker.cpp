#include "agent/jobs/job_worker.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace ondol {
namespace {

using Milliseconds = std::chrono::milliseconds;

/// Keeps a lease from a thread of its own, over a connection of its own, for as long as it lives.
class LeaseKeeper {
 public:
  LeaseKeeper(std::string place, LeasedJob job, int64_t lease_ms)
      : place_(std::move(place)), job_(std::move(job)), lease_ms_(lease_ms), thread_([this] { run(); }) {}
  ~LeaseKeeper() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;

  bool is_lost() const { return lost_; }

 private:
  void run() {
    // Most jobs are done before the table is needed.
    std::optional<JobTable> table;
    std::unique_lock lock(mutex_);
    // A third of a lease: two looks may fail before it runs out.
    while (!changed_.wait_for(lock, Milliseconds(lease_ms_ / 3), [this] { return ends_; })) {
      if (!table) {
        if (auto opened = JobTable::open(place_)) table = std::move(opened).value();
      }
      if (!table) continue;
      const auto kept = table->keep(job_, lease_ms_);
      if (kept && !*kept) {
        lost_ = true;
        return;
      }
    }
  }

  const std::string place_;
  const LeasedJob job_;
  const int64_t lease_ms_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ends_ = false;
  std::atomic<bool> lost_{false};
  std::thread thread_;  // last: it uses all else
};

}  // namespace

Result<void> JobWorker::run(bool until_idle) {
  JobTable table = ONDOL_TRY(JobTable::open(options_.place));
  Schedules schedules(table);
  while (!stops()) {
    ONDOL_TRY(schedules.add_due());
    const auto job = ONDOL_TRY(table.take(options_.name, options_.lease_ms, options_.home));
    if (job) {
      ONDOL_TRY(do_job(table, *job));
      continue;
    }
    if (until_idle) return {};
    pause();
  }
  return {};
}

void JobWorker::pause() const {
  if (options_.pause) return options_.pause(options_.pause_ms);
  for (int64_t waited = 0; waited < options_.pause_ms && !stops(); waited += 50) {
    std::this_thread::sleep_for(Milliseconds(50));
  }
}

Result<void> JobWorker::do_job(JobTable& table, const LeasedJob& job) {
  JobOutcome outcome;
  {
    const LeaseKeeper keeper(options_.place, job, options_.lease_ms);
    outcome =
        work_(job, {.goes_on = [&] { return !stops() && !keeper.is_lost(); },
                    .use_answer = [&] { return table.use_answer(job); },
                    .note = [&](std::string_view progress) { return table.note(job, progress, options_.home.id); },
                    .note_usage = [&](std::string_view usage) { return table.note_usage(job, usage); }});
  }
  if (stops() && outcome.kind == JobOutcome::Kind::kFailed) outcome.kind = JobOutcome::Kind::kGivenBack;
  return end_job(table, job, outcome);
}

/// A lease that was lost is nobody's fault: whoever has the job now ends it.
Result<void> JobWorker::end_job(JobTable& table, const LeasedJob& job, const JobOutcome& outcome) {
  const auto ended = [&]() -> Result<bool> {
    switch (outcome.kind) {
      case JobOutcome::Kind::kDone:
        return table.finish(job, outcome.result);
      case JobOutcome::Kind::kFailed:
        return table.fail(job, outcome.text, outcome.is_final ? -1 : options_.retry_ms);
      case JobOutcome::Kind::kAsks:
        return table.ask(job, outcome.text);
      case JobOutcome::Kind::kGivenBack:
        return table.give_back(job);
    }
    return false;
  }();
  if (!ended) return ended.error();
  return {};
}

}  // namespace ondol
