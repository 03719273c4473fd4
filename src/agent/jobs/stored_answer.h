// What a person answered to a job, as an approval.
#pragma once

#include "agent/jobs/job_worker.h"
#include "agent/loop.h"

namespace ondol {

/// The answer counts for the call that was asked about and for no other, once, also when workers die in between.
/// kLater: nobody has answered this yet.
Result<ApprovalAnswer> stored_answer(const LeasedJob& job, const ApprovalRequest& request,
                                     const JobWorker::Hooks& hooks);

}  // namespace ondol
