// JobRunner: does the jobs of a table that are AgentTasks (`ondol jobs work`, the server).
#pragma once

#include <functional>
#include <memory>

#include "agent/jobs/job_worker.h"
#include "agent/work/agent_run.h"

namespace ondol {

/// A job goes on with the session that it began, also when another worker died over it; where that session is not to be
/// found, with a new one. With approve = "ask" it waits
/// in the table for a person's answer and holds no worker meanwhile. One thread at a time.
class JobRunner {
 public:
  struct Parts {
    AgentPlaces places;
    /// The model that a task names; `goes_on` is that of the job.
    std::function<Result<std::shared_ptr<AgentModel>>(const std::string& name, std::function<bool()> goes_on)> model;
    /// Told what is wrong with skills that are left out. May be absent.
    std::function<void(const std::string& text)> note;
  };
  explicit JobRunner(Parts parts) : parts_(std::move(parts)) {}
  JobOutcome run(const LeasedJob& job, const JobWorker::Hooks& hooks);

 private:
  Result<JobOutcome> run_session(AgentTask& task, const LeasedJob& job, const JobWorker::Hooks& hooks);

  const Parts parts_;
};

}  // namespace ondol
