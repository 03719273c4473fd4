// What a job of `ondol jobs` is: the options of a run, as JSON in the table, and how a worker does it.
#pragma once

#include <memory>

#include "agent/jobs/job_worker.h"
#include "cli/act_run.h"

namespace ondol::cli {

/// What of a run is kept in a job: goal, workspace (absolute), tools, approve, scope, hosts and budget.
json::value job_of(const ActOptions& options);
/// Error: what is in the table is no such job.
Result<ActOptions> options_of(const json::value& job);

/// Does jobs with one model, which it keeps. A job goes on with the session that it began, also when another worker
/// died over it. With approve = "ask" it waits in the table for a person's answer and holds no worker meanwhile.
class JobRunner {
 public:
  /// `worker` names the model and the folder of data.
  explicit JobRunner(ActOptions worker) : worker_(std::move(worker)) {}
  JobOutcome run(const LeasedJob& job, const JobWorker::Hooks& hooks);

 private:
  Result<JobOutcome> run_session(ActOptions& options, const LeasedJob& job, const JobWorker::Hooks& hooks);

  const ActOptions worker_;
  std::shared_ptr<EngineAgentModel> model_;
  std::function<bool()> goes_on_;  // of the job that is being done
};

}  // namespace ondol::cli
