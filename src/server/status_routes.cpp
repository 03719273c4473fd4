// GET /health and /metrics.
#include "server/openai.h"

namespace ondol::server {

std::vector<Route> status_routes(Services& services) {
  const auto health = [](const std::shared_ptr<const Request>&, const ResponderPtr& responder) {
    send_json(*responder, json::object{{"status", "ok"}});
  };
  const auto metrics = [&services](const std::shared_ptr<const Request>&, const ResponderPtr& responder) {
    responder->send(200, Metrics::kContentType, services.metrics.render(*services.models));
  };
  std::vector<Route> routes;
  // Whoever watches a server has no key.
  routes.push_back({"GET", "/health", ErrorStyle::kOpenAi, false, health});
  routes.push_back({"GET", "/v1/health", ErrorStyle::kOpenAi, false, health});
  routes.push_back({"GET", "/metrics", ErrorStyle::kOpenAi, true, worker_handler(services, metrics)});
  return routes;
}

}  // namespace ondol::server
