#include "server/agent_json.h"

#include <fmt/format.h>

namespace ondol::server {
namespace {

json::value seconds_or_null(int64_t milliseconds) {
  return milliseconds == 0 ? json::value() : json::value(milliseconds / 1000);
}

json::value list_of(const json::value& work, std::string_view key) {
  const json::value* list = find_member(work, key);
  return list != nullptr && list->is_array() ? *list : json::value(json::array{});
}

/// What a job is told, in the words of the API.
void add_work(json::object& shown, const json::value& work) {
  const std::string goal = string_or(work, "goal", "");
  shown["goal"] = goal.empty() ? string_or(work, "earlier_goal", "") : goal;
  shown["workspace"] = string_or(work, "workspace", "");
  shown["model"] = string_or(work, "model", "");
  shown["tools"] = list_of(work, "tools");
  shown["scope"] = string_or(work, "scope", "");
  shown["approve"] = string_or(work, "approve", "");
  shown["hosts"] = list_of(work, "hosts");
  shown["budget"] = json::object{{"turns", int_or(work, "turns", 0)},
                                 {"tokens", int_or(work, "tokens", 0)},
                                 {"seconds", double_or(work, "seconds", 0)}};
}

json::value question_of(const JobRecord& job) {
  if (job.state != JobState::kAsking) return nullptr;
  auto question = parse_json(job.question);
  if (question && question->is_object()) return std::move(*question);
  return json::object{{"tool", ""}, {"reason", job.question}, {"preview", ""}, {"can_always", false}};
}

json::value outcome_of(const JobRecord& job, const json::value& usage) {
  if (job.state == JobState::kDone) {
    const auto result = parse_json(job.result);
    return json::object{{"reason", "done"}, {"text", result ? string_or(*result, "text", "") : job.result}};
  }
  if (job.state != JobState::kFailed) return nullptr;
  return json::object{{"reason", string_or(usage, "reason", "error")}, {"text", job.result}};
}

}  // namespace

bool has_ended(JobState state) {
  return state == JobState::kDone || state == JobState::kFailed || state == JobState::kCancelled;
}

std::string session_of(const JobRecord& job) {
  const bool is_name = !job.progress.empty() && job.progress.find_first_of("/.") == std::string::npos;
  if (is_name) return job.progress;
  // One that goes on with another's session and has not begun.
  return "";
}

json::object job_as_json(const JobRecord& job) {
  const auto kept = parse_json(job.usage);
  const json::value usage = kept && kept->is_object() ? *kept : json::value(json::object{});
  json::object shown = {{"object", "agent.job"}, {"id", job.id}, {"name", job.name}, {"state", name_of(job.state)}};
  add_work(shown, job.work);
  shown["created_at"] = job.made_ms / 1000;
  shown["started_at"] = seconds_or_null(job.started_ms);
  shown["ended_at"] = seconds_or_null(job.ended_ms);
  const std::string session = session_of(job);
  shown["session"] = session.empty() ? json::value() : json::value(json::string(session));
  shown["question"] = question_of(job);
  shown["outcome"] = outcome_of(job, usage);
  const bool has_error = job.state == JobState::kFailed || (job.state != JobState::kDone && !job.result.empty());
  shown["error"] = has_error ? json::value(json::string(job.result)) : json::value();
  shown["usage"] = json::object{{"turns", int_or(usage, "turns", 0)},
                                {"tokens", int_or(usage, "tokens", 0)},
                                {"seconds", double_or(usage, "seconds", 0)}};
  const std::string trigger = string_or(job.work, "trigger", "");
  shown["trigger"] = trigger.empty() ? json::value() : json::value(json::object{{"schedule", trigger}});
  return shown;
}

json::object schedule_as_json(const Schedule& schedule) {
  const auto text_or_null = [](bool is_there, const std::string& text) {
    return is_there ? json::value(json::string(text)) : json::value();
  };
  using Kind = Schedule::Kind;
  json::object shown = {{"object", "agent.schedule"}, {"name", schedule.name}, {"kind", name_of(schedule.kind)}};
  shown["at"] = text_or_null(schedule.kind == Kind::kTimes, schedule.at);
  shown["files"] = text_or_null(schedule.kind == Kind::kFiles, schedule.files);
  shown["hook"] = text_or_null(schedule.kind == Kind::kHook, "/v1/agents/hooks/" + schedule.name);
  shown["next_at"] = schedule.kind == Kind::kTimes ? seconds_or_null(schedule.next_ms) : json::value();
  shown["last_at"] = seconds_or_null(schedule.last_ms);
  json::object job;
  add_work(job, schedule.work);
  shown["job"] = std::move(job);
  return shown;
}

json::object step_as_json(const json::object& step) {
  json::object shown = {{"index", int_or(step, "step", 0)}};
  for (const auto& [key, value] : step) {
    // The letters of the marks are the session's own.
    if (key != "step" && key != "marks") shown[key] = value;
  }
  return shown;
}

}  // namespace ondol::server
