#include "agent/work/job_runner.h"

#include "agent/jobs/stored_answer.h"

namespace ondol {
namespace {

JobOutcome failed(const std::string& text) {
  return {.kind = JobOutcome::Kind::kFailed, .text = text};
}

JobOutcome outcome_of(const LoopOutcome& loop, const std::string& session) {
  if (loop.reason == "asking") return {.kind = JobOutcome::Kind::kAsks, .text = loop.text};
  if (loop.reason == "cancelled") return {.kind = JobOutcome::Kind::kGivenBack};
  if (loop.reason != "done") {
    const std::string_view words = end_in_words(loop.reason);
    return failed(words.empty() ? loop.text : std::string(words));
  }
  return {.kind = JobOutcome::Kind::kDone,
          .result = {{"text", loop.text}, {"session", session}, {"turns", loop.turns}, {"tokens", loop.tokens}}};
}

}  // namespace

JobOutcome JobRunner::run(const LeasedJob& job, const JobWorker::Hooks& hooks) {
  auto task = task_of(job.work);
  if (!task) return failed(task.error().message());
  auto outcome = run_session(*task, job, hooks);
  return outcome ? std::move(*outcome) : failed(outcome.error().message());
}

Result<JobOutcome> JobRunner::run_session(AgentTask& task, const LeasedJob& job, const JobWorker::Hooks& hooks) {
  task.resume = job.progress;
  Workshop shop = ONDOL_TRY(open_workshop(task, parts_.places));
  if (parts_.note) {
    for (const std::string& refused : shop.skills.refused) parts_.note(refused);
  }
  shop.model = ONDOL_TRY(parts_.model(task.model, hooks.goes_on));
  AgentSession session = ONDOL_TRY(open_session(task, parts_.places, shop));
  // A session that has its goal goes on; whoever died between the two left one without.
  bool has_goal = false;
  for (const json::object& step : session.steps()) has_goal |= string_or(step, "type", "") == "goal";
  if (has_goal) task.goal.clear();
  if (!ONDOL_TRY(hooks.note(session.id()))) return JobOutcome{.kind = JobOutcome::Kind::kGivenBack};
  AgentPeople people;
  people.approve = [&](const ApprovalRequest& request) { return stored_answer(job, request, hooks); };
  const LoopOutcome loop =
      ONDOL_TRY(run_agent(task, parts_.places, shop, session, people, hooks.goes_on, [](const json::object&) {}));
  return outcome_of(loop, session.id());
}

}  // namespace ondol
