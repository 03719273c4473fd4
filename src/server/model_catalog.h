// ModelCatalog: which models there are, by which names: those that the server was started with and all of the local
// store. Looks at files, so it is not for the I/O thread.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "hub/store.h"
#include "server/http.h"
#include "server/model_info.h"

namespace ondol::server {

class ModelCatalog {
 public:
  ModelCatalog(Store store, EngineOptions engine) : store_(std::move(store)), engine_(std::move(engine)) {}

  /// A model that the server was started with, which keeps its name even if others fit it.
  void add(const std::string& asked_as, const StoredModel& model);

  /// Those that were added, or else the default model; then the store's others.
  std::vector<StoredModel> list() const;

  struct Found {
    StoredModel model;
    std::optional<HttpError> error;
  };
  /// By its name, the name that it was asked for at the start, or a short form of a store's name; "" is the first that
  /// was added, or the default model. Paths are not looked up: what was not offered is not served.
  Found find(const std::string& name) const;

  /// Remembered until the file changes; the plan is at most a quarter of a minute old.
  Result<ModelInfo> info(const StoredModel& model) const;
  const Store& store() const { return store_; }

 private:
  struct Known {
    int64_t modified = 0;
    uint64_t size = 0;
    std::chrono::steady_clock::time_point planned;
    ModelInfo info;
  };

  Store store_;
  EngineOptions engine_;
  std::vector<StoredModel> added_;
  std::map<std::string, std::string> asked_as_;  // to the name
  mutable std::mutex mutex_;
  mutable std::map<std::string, Known> known_;  // by path
};

/// 404, with the names that there are.
HttpError unknown_model(const std::string& name, const std::vector<StoredModel>& models);

}  // namespace ondol::server
