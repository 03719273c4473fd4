#include "agent/work/job_runner.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "agent/jobs/stored_answer.h"

namespace ondol {
namespace {

JobOutcome failed(const std::string& text) {
  return {.kind = JobOutcome::Kind::kFailed, .text = text};
}

JobOutcome outcome_of(const LoopOutcome& loop, const std::string& session) {
  if (loop.reason == "asking") return {.kind = JobOutcome::Kind::kAsks, .text = stored_question(*loop.asked)};
  if (loop.reason == "cancelled") return {.kind = JobOutcome::Kind::kGivenBack};
  if (loop.reason != "done") {
    const std::string_view words = end_in_words(loop.reason);
    JobOutcome outcome = failed(words.empty() ? loop.text : std::string(words));
    outcome.is_final = loop.reason != "error";
    return outcome;
  }
  return {.kind = JobOutcome::Kind::kDone,
          .result = {{"text", loop.text}, {"session", session}, {"turns", loop.turns}, {"tokens", loop.tokens}}};
}

/// What a job has used in all its runs, which its budget is for.
class UsageMeter {
 public:
  UsageMeter(const LeasedJob& job, const JobWorker::Hooks& hooks) : hooks_(hooks) {
    const auto before = parse_json(job.usage);
    if (!before || !before->is_object()) return;
    before_ = {static_cast<int>(int_or(*before, "turns", 0)), int_or(*before, "tokens", 0),
               double_or(*before, "seconds", 0)};
    now_ = before_;
  }

  void take_from(AgentBudget& budget) const {
    budget.turns = std::max(budget.turns - before_.turns, 0);
    budget.tokens = std::max<int64_t>(budget.tokens - before_.tokens, 0);
    budget.seconds = std::max(budget.seconds - before_.seconds, 0.0);
  }

  void step(const json::object& step) {
    if (string_or(step, "type", "") != "answer") return;
    ++now_.turns;
    now_.tokens +=
        int_or(step, "prompt_tokens", 0) - int_or(step, "cached_tokens", 0) + int_or(step, "answer_tokens", 0);
    now_.seconds = before_.seconds + std::chrono::duration<double>(Clock::now() - begin_).count();
    note("");
  }

  void end(const LoopOutcome& outcome) {
    now_.seconds = before_.seconds + outcome.seconds;
    note(outcome.reason == "asking" || outcome.reason == "cancelled" ? "" : outcome.reason);
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// A lease that was lost is noticed elsewhere.
  void note(const std::string& reason) {
    json::object usage = {{"turns", now_.turns}, {"tokens", now_.tokens}, {"seconds", now_.seconds}};
    if (!reason.empty()) usage["reason"] = reason;
    (void)hooks_.note_usage(json_text(usage));
  }

  const JobWorker::Hooks& hooks_;
  const Clock::time_point begin_ = Clock::now();
  AgentBudget before_{0, 0, 0};
  AgentBudget now_{0, 0, 0};
};

/// Whether the session has the job's goal. One of its own has no other.
bool has_goal(const AgentSession& session, const LeasedJob& job, bool is_own) {
  return std::any_of(session.steps().begin(), session.steps().end(), [&](const json::object& step) {
    return string_or(step, "type", "") == "goal" && (is_own || string_or(step, "by", "") == job.name);
  });
}

}  // namespace

JobOutcome JobRunner::run(const LeasedJob& job, const JobWorker::Hooks& hooks) {
  auto task = task_of(job.work);
  if (!task) return failed(task.error().message());
  auto outcome = run_session(*task, job, hooks);
  return outcome ? std::move(*outcome) : failed(outcome.error().message());
}

Result<JobOutcome> JobRunner::run_session(AgentTask& task, const LeasedJob& job, const JobWorker::Hooks& hooks) {
  const bool is_own = task.resume.empty();
  if (!job.progress.empty()) {
    // One that lies on another machine, which has not come back for long, cannot be gone on with.
    const bool is_here = !is_own || AgentSession::exists(parts_.places.sessions(), job.progress);
    if (is_here) task.resume = job.progress;
    if (!is_here && parts_.note) {
      parts_.note(fmt::format("job {} begins anew: its session {} is not on this machine", job.id, job.progress));
    }
  }
  UsageMeter usage(job, hooks);
  usage.take_from(task.loop.budget);
  Workshop shop = ONDOL_TRY(open_workshop(task, parts_.places));
  if (parts_.note) {
    for (const std::string& refused : shop.skills.refused) parts_.note(refused);
  }
  shop.model = ONDOL_TRY(parts_.model(task.model, hooks.goes_on));
  AgentSession session = ONDOL_TRY(open_session(task, parts_.places, shop));
  // A session that has its goal goes on; whoever died between the two left one without.
  if (has_goal(session, job, is_own)) task.goal.clear();
  if (!ONDOL_TRY(hooks.note(session.id()))) return JobOutcome{.kind = JobOutcome::Kind::kGivenBack};
  AgentPeople people;
  people.approve = [&](const ApprovalRequest& request) { return stored_answer(job, request, hooks); };
  const auto observer = [&](const json::object& step) { usage.step(step); };
  const LoopOutcome loop =
      ONDOL_TRY(run_agent(task, parts_.places, shop, session, people, hooks.goes_on, observer, job.name));
  usage.end(loop);
  return outcome_of(loop, session.id());
}

}  // namespace ondol
