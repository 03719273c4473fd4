// ServiceMetrics: what the models do, for /metrics. Counting is cheap and safe from any thread.
#pragma once

#include <string>

#include "server/metrics.h"
#include "server/server.h"

namespace ondol::server {

class ModelPool;

class ServiceMetrics {
 public:
  /// ondol_request_seconds by route and status, and what request_log.h counts.
  void request_ended(const RequestRecord& record);
  /// Of one text: the time to its first token, and between later ones.
  void first_token(const std::string& model, double seconds);
  void later_token(const std::string& model, double seconds);

  /// Everything, with the counters of the models that are loaded now.
  std::string render(const ModelPool& models) const;

 private:
  Metrics kept_;
};

}  // namespace ondol::server
