// Jobs, steps and schedules of agents as /v1/agents shows them.
#pragma once

#include <string>

#include "agent/jobs/schedules.h"
#include "base/json.h"

namespace ondol::server {

/// "agent.job".
json::object job_as_json(const JobRecord& job);
/// "agent.schedule", without a hook's secret.
json::object schedule_as_json(const Schedule& schedule);
/// A session's step with its number as "index".
json::object step_as_json(const json::object& step);

/// The session of a job; "" where it has none yet.
std::string session_of(const JobRecord& job);
bool has_ended(JobState state);

}  // namespace ondol::server
