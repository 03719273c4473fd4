#include "agent/jobs/stored_answer.h"

namespace ondol {

std::string stored_question(const ApprovalRequest& request) {
  return json_text(json::object{{"tool", request.tool},
                                {"reason", request.reason},
                                {"preview", request.preview},
                                {"can_always", request.always.has_value()}});
}

std::string question_in_words(const std::string& stored) {
  const auto question = parse_json(stored);
  if (!question || !question->is_object()) return stored;
  return question_of({string_or(*question, "tool", ""),
                      {},
                      string_or(*question, "preview", ""),
                      string_or(*question, "reason", ""),
                      {}});
}

Result<ApprovalAnswer> stored_answer(const LeasedJob& job, const ApprovalRequest& request,
                                     const JobWorker::Hooks& hooks) {
  if (job.answer.empty() || job.question != stored_question(request)) return ApprovalAnswer::kLater;
  // Before anything is done: whoever dies now asks again.
  if (!ONDOL_TRY(hooks.use_answer())) return ApprovalAnswer::kLater;
  if (job.answer == "yes") return ApprovalAnswer::kOnce;
  return job.answer == "always" ? ApprovalAnswer::kAlways : ApprovalAnswer::kNo;
}

}  // namespace ondol
