#include "cli/job_run.h"

#include <fmt/format.h>

#include "agent/jobs/stored_answer.h"
#include "cli/act_view.h"

namespace ondol::cli {
namespace {

std::vector<std::string> strings_of(const json::value& object, std::string_view key) {
  std::vector<std::string> strings;
  const json::value* list = find_member(object, key);
  if (list == nullptr || !list->is_array()) return strings;
  for (const json::value& entry : list->get_array()) {
    if (entry.is_string()) strings.emplace_back(entry.get_string());
  }
  return strings;
}

json::array array_of(const std::vector<std::string>& strings) {
  json::array list;
  for (const std::string& text : strings) list.push_back(json::string(text));
  return list;
}

JobOutcome failed(const std::string& text) {
  return {.kind = JobOutcome::Kind::kFailed, .text = text};
}

JobOutcome outcome_of(const LoopOutcome& loop, const std::string& session) {
  if (loop.reason == "asking") return {.kind = JobOutcome::Kind::kAsks, .text = loop.text};
  if (loop.reason == "cancelled") return {.kind = JobOutcome::Kind::kGivenBack};
  if (loop.reason != "done") {
    const std::string words = end_in_words(loop.reason);
    return failed(words.empty() ? loop.text : words);
  }
  return {.kind = JobOutcome::Kind::kDone,
          .result = {{"text", loop.text}, {"session", session}, {"turns", loop.turns}, {"tokens", loop.tokens}}};
}

}  // namespace

json::value job_of(const ActOptions& options) {
  return {{"goal", options.goal},
          {"workspace", options.workspace},
          {"tools", array_of(options.tools)},
          {"approve", options.approve},
          {"scope", options.scope},
          {"hosts", array_of(options.hosts)},
          {"turns", options.loop.budget.turns},
          {"seconds", options.loop.budget.seconds}};
}

Result<ActOptions> options_of(const json::value& job) {
  ActOptions options;
  options.goal = string_or(job, "goal", "");
  options.workspace = string_or(job, "workspace", "");
  options.tools = strings_of(job, "tools");
  options.approve = string_or(job, "approve", "never");
  options.scope = string_or(job, "scope", "read-only");
  options.hosts = strings_of(job, "hosts");
  options.loop.budget.turns = static_cast<int>(int_or(job, "turns", options.loop.budget.turns));
  options.loop.budget.seconds = double_or(job, "seconds", options.loop.budget.seconds);
  const bool is_known = approval_named(options.approve) && scope_named(options.scope);
  if (options.goal.empty() || options.workspace.empty() || !is_known) {
    return Error("expected a job with goal, workspace, approve and scope, got " + json_text(job));
  }
  return options;
}

JobOutcome JobRunner::run(const LeasedJob& job, const JobWorker::Hooks& hooks) {
  auto options = options_of(job.work);
  if (!options) return failed(options.error().message());
  goes_on_ = hooks.goes_on;
  auto outcome = run_session(*options, job, hooks);
  return outcome ? std::move(*outcome) : failed(outcome.error().message());
}

Result<JobOutcome> JobRunner::run_session(ActOptions& options, const LeasedJob& job, const JobWorker::Hooks& hooks) {
  options.data_folder = worker_.data_folder;
  options.store = worker_.store;
  options.mqtt_broker = worker_.mqtt_broker;
  options.model = worker_.model;
  options.resume = job.progress;
  Workshop shop = ONDOL_TRY(open_workshop(options));
  if (model_ == nullptr) model_ = ONDOL_TRY(open_agent_model(worker_, [this] { return goes_on_(); }));
  shop.model = model_;
  AgentSession session = ONDOL_TRY(open_session(options, shop));
  // A session that has its goal goes on; whoever died between the two left one without.
  bool has_goal = false;
  for (const json::object& step : session.steps()) has_goal |= string_or(step, "type", "") == "goal";
  if (has_goal) options.goal.clear();
  if (!ONDOL_TRY(hooks.note(session.id()))) return JobOutcome{.kind = JobOutcome::Kind::kGivenBack};
  ActPeople people;
  people.approve = [&](const ApprovalRequest& request) { return stored_answer(job, request, hooks); };
  const LoopOutcome loop =
      ONDOL_TRY(run_act(options, shop, session, people, hooks.goes_on, [](const json::object&) {}));
  return outcome_of(loop, session.id());
}

}  // namespace ondol::cli
