// Services: what the routes of all API families share. Outlives the Server.
#pragma once

#include <memory>

#include "server/model_pool.h"
#include "server/service_metrics.h"
#include "server/workers.h"

namespace ondol::server {

struct Services {
  Services(std::unique_ptr<ModelPool> pool, size_t n_workers) : workers(n_workers), models(std::move(pool)) {}
  /// Workers stop first, so that nothing new is asked of the models, but can still be posted to.
  ~Services() { workers.stop(); }

  ServiceMetrics metrics;
  Workers workers;
  std::unique_ptr<ModelPool> models;
};

}  // namespace ondol::server
