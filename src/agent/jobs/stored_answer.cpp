#include "agent/jobs/stored_answer.h"

namespace ondol {

Result<ApprovalAnswer> stored_answer(const LeasedJob& job, const ApprovalRequest& request,
                                     const JobWorker::Hooks& hooks) {
  if (job.answer.empty() || job.question != question_of(request)) return ApprovalAnswer::kLater;
  // Before anything is done: whoever dies now asks again.
  if (!ONDOL_TRY(hooks.use_answer())) return ApprovalAnswer::kLater;
  if (job.answer == "yes") return ApprovalAnswer::kOnce;
  return job.answer == "always" ? ApprovalAnswer::kAlways : ApprovalAnswer::kNo;
}

}  // namespace ondol
