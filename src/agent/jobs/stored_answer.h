// What a job asks, as the table has it, and what a person answered to it, as an approval.
#pragma once

#include "agent/jobs/job_worker.h"
#include "agent/loop.h"

namespace ondol {

/// {"tool", "reason", "preview", "can_always"}
std::string stored_question(const ApprovalRequest& request);
/// The same in words.
std::string question_in_words(const std::string& stored);

/// The answer counts for the call that was asked about and for no other, once, also when workers die in between.
/// kLater: nobody has answered this yet.
Result<ApprovalAnswer> stored_answer(const LeasedJob& job, const ApprovalRequest& request,
                                     const JobWorker::Hooks& hooks);

}  // namespace ondol
