// Session: a client that shook hands (revisions up to 2025-11-25), as the server knows it: what it can do, what it is
// subscribed to, which of its requests are running, and which of the server's it has yet to answer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "agent/json_rpc.h"
#include "agent/mcp/outlet.h"
#include "agent/mcp/revision.h"
#include "base/result.h"

namespace ondol::mcp {

/// From any thread.
class Session {
 public:
  Session(Revision revision, json::object capabilities);

  const std::string id;  // for HTTP; cannot be guessed
  const Revision revision;
  const json::object capabilities;  // of the client

  void set_log_level(LogLevel level);
  LogLevel log_level() const;

  void subscribe(const std::string& uri);
  void unsubscribe(const std::string& uri);
  bool is_subscribed(const std::string& uri) const;

  /// Where to send what belongs to no request.
  void set_standalone(OutletPtr outlet);
  void notify(const json::object& message);

  /// A request to the client, on the outlet of the request that needs it. Waits for the answer; `goes_on` is asked
  /// about ten times a second.
  Result<json::object> ask(Outlet& outlet, std::string_view method, json::object params, std::chrono::seconds at_most,
                           const std::function<bool()>& goes_on);
  /// A response of the client. Those that nobody waits for are passed over.
  void take_answer(const RpcMessage& response);

  /// What `notifications/cancelled` of a request does, until it has ended.
  void add_running(const json::value& request_id, std::function<void()> cancel);
  void remove_running(const json::value& request_id);
  void cancel(const json::value& request_id);
  void cancel_all();

 private:
  mutable std::mutex mutex_;
  std::condition_variable answered_;
  LogLevel log_level_ = LogLevel::kInfo;
  std::set<std::string> subscriptions_;
  OutletPtr standalone_;
  int64_t n_asked_ = 0;
  std::map<std::string, std::optional<RpcMessage>> asked_;  // by key of the id; nothing: not yet answered
  std::map<std::string, std::function<void()>> running_;
};

}  // namespace ondol::mcp
