// What clients ask of agents: bodies of /v1/agents, checked against what this server allows.
#pragma once

#include <optional>
#include <string>

#include "agent/work/agent_task.h"
#include "server/agent_service.h"
#include "server/fields.h"
#include "server/services.h"

namespace ondol::server {

struct WantedJob {
  AgentTask task;
  std::string name;
  std::optional<HttpError> error;
};
/// A job's fields: 400 for what is no such body; 422 for a workspace, tool, host or model that there is not.
WantedJob read_wanted_job(Services& services, const Fields& fields);

struct WantedSchedule {
  Schedule schedule;
  std::optional<HttpError> error;
};
/// Without owner and secret.
WantedSchedule read_wanted_schedule(Services& services, const json::object& body);

/// Name, description and effect of every tool that agents have here.
json::array agent_tools_as_json(const AgentPlaces& places);

}  // namespace ondol::server
