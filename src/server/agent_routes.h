// /v1/agents: jobs of agents, their steps as they happen, approvals, schedules, hooks (docs/acting.md).
#pragma once

#include <vector>

#include "server/http.h"
#include "server/services.h"

namespace ondol::server {

std::vector<Route> agent_routes(Services& services);

}  // namespace ondol::server
