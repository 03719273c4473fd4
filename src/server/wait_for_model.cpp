#include "server/wait_for_model.h"

#include <atomic>
#include <chrono>
#include <future>

namespace ondol::server {

Result<ModelPool::Outcome> wait_for_model(ModelPool& pool, const std::string& name,
                                          const std::function<bool()>& goes_on) {
  const auto promise = std::make_shared<std::promise<ModelPool::Outcome>>();
  auto future = promise->get_future();
  const auto is_wanted = std::make_shared<std::atomic<bool>>(true);
  pool.use(
      name, [promise](ModelPool::Outcome outcome) { promise->set_value(std::move(outcome)); },
      [is_wanted] { return is_wanted->load(); });
  while (future.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready) {
    if (goes_on()) continue;
    *is_wanted = false;
    return Error("stopped while the model was loaded");
  }
  ModelPool::Outcome outcome = future.get();
  if (outcome.error) return Error(outcome.error->message);
  return outcome;
}

}  // namespace ondol::server
