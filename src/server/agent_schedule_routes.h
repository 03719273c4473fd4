// What the routes of agents share, and those of schedules and hooks.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/jobs/job_table.h"
#include "server/agent_service.h"
#include "server/http.h"
#include "server/json_fields.h"
#include "server/services.h"

namespace ondol::server {

/// Collects routes whose handlers run on a worker, for those who may, where agents are enabled.
class AgentHandlers {
 public:
  using Handle = std::function<void(const Request&, const ResponderPtr&)>;
  using HandleBody = std::function<void(const Request&, const ResponderPtr&, const json::object& body)>;

  explicit AgentHandlers(Services& services);
  void on_worker(const char* method, const std::string& path, Handle handle);
  /// POST with a JSON object, or nothing, as its body.
  void with_body(const std::string& path, HandleBody handle);
  /// Answers 404 where agents are not enabled.
  bool refuse_where_disabled(Responder& responder) const;

  std::vector<Route> routes;

 private:
  bool refuse(const Request& request, Responder& responder) const;

  Services& services_;
};

/// Answers with the job that `add` makes, or with 503 where too many wait.
void send_new_job(AgentService& agents, Responder& responder, int status,
                  const std::function<Result<int64_t>(JobTable& table)>& add);

void add_schedule_routes(AgentHandlers& handlers, Services& services);

}  // namespace ondol::server
