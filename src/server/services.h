// Services: what the routes of all API families share. Outlives the Server.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "server/file_store.h"
#include "server/hosted_tools.h"
#include "server/model_pool.h"
#include "server/service_metrics.h"
#include "server/tuning_jobs.h"
#include "server/workers.h"

namespace ondol::server {

class VectorStores;
class AgentService;
struct AgentOptions;

struct Services {
  /// `data_folder` keeps what outlives the server; without one, it keeps nothing.
  Services(std::unique_ptr<ModelPool> pool, size_t n_workers, std::string data_folder = "");
  /// Workers stop first, so that nothing new is asked of the models, but can still be posted to.
  ~Services();

  /// Calls `stop` when the server is told to stop, from any thread: for what takes minutes and may be left undone.
  void on_stop(std::function<void()> stop) {
    const std::lock_guard lock(mutex_);
    at_stop_.push_back(std::move(stop));
  }
  void stop_long_work() {
    const std::lock_guard lock(mutex_);
    for (const auto& stop : at_stop_) stop();
  }

  /// Lets agents work; without `model` in the options, with this server's. Before start(). Errors: AgentService::open.
  Result<void> enable_agents(AgentOptions options);

  /// Takes up what an earlier server left in the data folder, where there is one. Errors: the folder.
  Result<void> load_data();
  /// Goes on with what that server had not ended. The models are loaded.
  void start();

  ServiceMetrics metrics;
  DataFolder data;
  FileStore files;
  Workers workers;
  HostedTools hosted;

 private:
  // Everything of retrieval lies behind it, which few of the routes are about.
  std::unique_ptr<VectorStores> vector_stores_;

 public:
  VectorStores& vector_stores;
  std::unique_ptr<ModelPool> models;
  TuningJobs tuning;                     // uses the models
  std::unique_ptr<AgentService> agents;  // null: they do not work here; uses the models

 private:
  std::mutex mutex_;
  std::vector<std::function<void()>> at_stop_;
};

}  // namespace ondol::server
