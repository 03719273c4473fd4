// OpenAI's fine-tuning API: /v1/fine_tuning/jobs.
#pragma once

#include <vector>

#include "server/http.h"
#include "server/services.h"

namespace ondol::server {

std::vector<Route> tuning_routes(Services& services);

/// The events of a job, the oldest first: what was said on the way, and each step.
std::vector<json::object> tuning_events(const TuningJob& job, const std::vector<train::LoggedStep>& steps);

}  // namespace ondol::server
