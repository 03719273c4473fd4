// Awaited: what another thread is going to hand over, for threads that may wait until the server ends.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "server/model_pool.h"

namespace ondol::server {

template <typename T>
class Awaited {
 public:
  void put(T value) {
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
    changed_.notify_one();
  }
  /// Nothing, when it does not go on.
  std::optional<T> take(const std::function<bool()>& goes_on) {
    constexpr std::chrono::milliseconds kPatience{100};
    std::unique_lock lock(mutex_);
    while (!value_ && goes_on()) changed_.wait_for(lock, kPatience);
    return std::move(value_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<T> value_;
};

inline Error stopping_error() {
  return Error("the server is shutting down");
}

/// The model of this name, loaded.
inline Result<ModelUse> await_model(ModelPool& pool, const std::string& id, const std::function<bool()>& goes_on) {
  const auto outcome = std::make_shared<Awaited<ModelPool::Outcome>>();
  pool.use(id, [outcome](ModelPool::Outcome ready) { outcome->put(std::move(ready)); });
  auto ready = outcome->take(goes_on);
  if (!ready) return stopping_error();
  if (ready->error) return Error(ready->error->message);
  return std::move(ready->model);
}

}  // namespace ondol::server
