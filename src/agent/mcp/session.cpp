#include "agent/mcp/session.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "agent/mcp/sealed_state.h"

namespace ondol::mcp {

Session::Session(Revision revision, json::object capabilities)
    : id(secret_id()), revision(revision), capabilities(std::move(capabilities)) {}

void Session::set_log_level(LogLevel level) {
  const std::lock_guard lock(mutex_);
  log_level_ = level;
}

LogLevel Session::log_level() const {
  const std::lock_guard lock(mutex_);
  return log_level_;
}

void Session::subscribe(const std::string& uri) {
  constexpr size_t kMost = 1000;
  const std::lock_guard lock(mutex_);
  if (subscriptions_.size() < kMost) subscriptions_.insert(uri);
}

void Session::unsubscribe(const std::string& uri) {
  const std::lock_guard lock(mutex_);
  subscriptions_.erase(uri);
}

bool Session::is_subscribed(const std::string& uri) const {
  const std::lock_guard lock(mutex_);
  return subscriptions_.contains(uri);
}

void Session::set_standalone(OutletPtr outlet) {
  const std::lock_guard lock(mutex_);
  standalone_ = std::move(outlet);
}

void Session::notify(const json::object& message) {
  OutletPtr outlet;
  {
    const std::lock_guard lock(mutex_);
    outlet = standalone_;
  }
  if (outlet != nullptr) outlet->send(message);
}

Result<json::object> Session::ask(Outlet& outlet, std::string_view method, json::object params,
                                  std::chrono::seconds at_most, const std::function<bool()>& goes_on) {
  const auto last_moment = std::chrono::steady_clock::now() + at_most;
  std::unique_lock lock(mutex_);
  const json::value request_id(fmt::format("ondol-{}", ++n_asked_));
  const std::string key = rpc_key(request_id);
  asked_[key] = std::nullopt;
  lock.unlock();
  outlet.send(rpc_request(request_id, method, std::move(params)));
  lock.lock();
  const auto end = [&](Error error) -> Result<json::object> {
    asked_.erase(key);
    return error;
  };
  while (!asked_[key]) {
    answered_.wait_for(lock, std::chrono::milliseconds(100));
    if (asked_[key]) break;
    if (std::chrono::steady_clock::now() > last_moment)
      return end(Error(fmt::format("{}: the client did not answer within {} s", method, at_most.count())));
    lock.unlock();
    const bool is_wanted = goes_on();
    lock.lock();
    if (!is_wanted) return end(Error(fmt::format("{}: the client gave the request up", method)));
  }
  const RpcMessage answer = std::move(*asked_[key]);
  asked_.erase(key);
  if (answer.kind == RpcMessage::Kind::kError)
    return Error(
        fmt::format("{}: the client answered with error {}: {}", method, answer.error.code, answer.error.message));
  return answer.result;
}

void Session::take_answer(const RpcMessage& response) {
  const std::lock_guard lock(mutex_);
  const auto found = asked_.find(rpc_key(response.id));
  if (found == asked_.end() || found->second) return;
  found->second = response;
  answered_.notify_all();
}

void Session::add_running(const json::value& request_id, std::function<void()> cancel) {
  const std::lock_guard lock(mutex_);
  running_[rpc_key(request_id)] = std::move(cancel);
}

void Session::remove_running(const json::value& request_id) {
  const std::lock_guard lock(mutex_);
  running_.erase(rpc_key(request_id));
}

void Session::cancel(const json::value& request_id) {
  std::function<void()> cancel_it;
  {
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(rpc_key(request_id));
    if (found == running_.end()) return;
    cancel_it = found->second;
  }
  cancel_it();
}

void Session::cancel_all() {
  std::vector<std::function<void()>> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, cancel_it] : running_) all.push_back(cancel_it);
  }
  for (const auto& cancel_it : all) cancel_it();
}

}  // namespace ondol::mcp
