// ModelPool: the models that are loaded. One is loaded when it is wanted and stays as long as memory and its keep-alive
// time allow; those that the server was started with stay. Loading and unloading happen on a thread of the pool's own.
//
// Who uses a model holds a ModelUse. A model that has to make room for another takes no new users, is unloaded when its
// last user is done, and comes back for those who asked in the meantime: nobody fails because of it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/adapter_registry.h"
#include "server/loaded_model.h"
#include "server/model_catalog.h"

namespace ondol::server {

/// Keeps a model loaded. May be copied and dropped by any thread.
using ModelUse = std::shared_ptr<const LoadedModel>;

/// An adapter to begin with. One without a name is for all requests that name none, as far as it fits the models.
struct AdapterToLoad {
  std::string name;
  std::string path;
  float factor = 1.0f;
};

struct PoolOptions {
  std::vector<std::string> models;  // paths or names; the first is the default
  std::vector<AdapterToLoad> adapters;
  std::map<std::string, std::string> aliases;  // further names of models, or of models with adapters
  LoadOptions load;
  StoreFolders store = StoreFolders::from_environment();
  std::chrono::seconds keep_alive{300};    // after the last use; negative: as long as there is room
  std::chrono::seconds longest_wait{600};  // for a busy model to make room
  std::function<int64_t()> free_memory = memory_for_another_model;
};

class ModelPool {
 public:
  /// Finds the models that stay; fails when one of them is not there.
  static Result<std::unique_ptr<ModelPool>> create(PoolOptions options);
  /// All ModelUses must be gone or go by themselves when schedulers cancel what they run.
  ~ModelPool();

  /// Loads the models that stay, and the adapters; fails with the first that cannot be.
  Result<void> load_all();

  /// What a name stands for: a model, or one of its adapters ("NAME" or "MODEL:NAME").
  struct Named {
    StoredModel model;
    std::string adapter;  // "": none
    std::optional<HttpError> error;
  };
  /// Looks at files, so it is not for the I/O thread.
  Named resolve(const std::string& name) const;
  /// For clients that ask for models of a service far away: the only model of this server, where there is no other and
  /// none of this name; otherwise the name itself.
  std::string name_or_only_model(const std::string& name) const;

  /// What came of asking for a model.
  struct Outcome {
    ModelUse model;
    std::optional<HttpError> error;
    std::string adapter = {};  // that the name named
  };
  /// Calls `ready` once: at once, from here, when the model is loaded, or later from the pool's thread, which must not
  /// be held up. `is_wanted`, which may be empty, is asked before a model is loaded for this alone.
  void use(const std::string& name, std::function<void(Outcome)> ready, std::function<bool()> is_wanted = {});

  /// Stays loaded for so long after its last use; negative: as long as there is room. Zero unloads it when it is idle.
  void set_keep_alive(const std::string& id, std::chrono::seconds time);

  /// As long as it is held, a model makes no room for others, and its time does not run. Null when it is not loaded.
  std::shared_ptr<const void> hold(const std::string& id);

  struct Loaded {
    ModelUse model;
    std::optional<std::chrono::seconds> expires_in;  // of those that do not stay
    bool is_pinned = false;
  };
  std::vector<Loaded> loaded() const;
  const ModelCatalog& catalog() const { return *catalog_; }

  AdapterRegistry& adapters() { return adapters_; }
  const AdapterRegistry& adapters() const { return adapters_; }
  /// AdapterRegistry::add, but names of models are not to be had.
  AdapterRegistry::Added add_adapter(const LoadedModel& model, RegisteredAdapter wanted, bool replaces);

 private:
  using Clock = std::chrono::steady_clock;

  struct Entry {
    std::unique_ptr<LoadedModel> model;
    int n_users = 0;
    int n_holders = 0;
    bool is_pinned = false;
    bool is_leaving = false;  // takes no new users
    std::chrono::seconds keep_alive{0};
    Clock::time_point last_used;
  };
  struct Waiter {
    std::function<void(Outcome)> ready;
    std::function<bool()> is_wanted;
  };
  struct Wish {
    std::string name;
    std::vector<Waiter> waiters;
  };
  // What uses hold on to, so that the last of them may go after the pool.
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::list<Entry> entries;
  };

  ModelPool(PoolOptions options, std::unique_ptr<ModelCatalog> catalog);
  void run();
  std::optional<Wish> next_wish();
  Outcome fulfil(const Wish& wish);
  Outcome use_or_load(const StoredModel& model);
  Result<void> load_adapter(const AdapterToLoad& wanted, const std::vector<ModelUse>& models);
  Entry* find_known_locked(const std::string& name, std::string& adapter) const;
  std::optional<HttpError> find_room(const StoredModel& model, ModelInfo& info);
  int64_t bytes_that_could_go() const;
  bool is_pinned(const std::string& id) const;
  bool make_room();
  void unload_idle();
  void unload(std::list<Entry>::iterator entry, std::unique_lock<std::mutex>& lock);
  ModelUse use_locked(Entry& entry, bool counts = true) const;
  std::vector<Outcome> outcomes_for(const Wish& wish);
  Entry* find_locked(const std::string& id) const;
  std::optional<Clock::time_point> expiry(const Entry& entry) const;

  const PoolOptions options_;
  const std::unique_ptr<const ModelCatalog> catalog_;
  AdapterRegistry adapters_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  // Under the mutex of shared_.
  struct Known {
    std::string id;
    std::string adapter;
  };
  std::map<std::string, Known> known_;  // names that were resolved
  std::list<Wish> wishes_;
  bool is_stopping_ = false;
  std::thread thread_;  // the last member: it uses the others
};

}  // namespace ondol::server
