// What an agent does in one turn, as the Agent Client Protocol tells it to an editor.
#pragma once

#include <functional>
#include <list>
#include <set>
#include <string>
#include <string_view>

#include "agent/loop.h"

namespace ondol::acp {

class TurnUpdates {
 public:
  using Send = std::function<void(const json::object& notification)>;
  TurnUpdates(std::string session, Send send) : session_(std::move(session)), send_(std::move(send)) {}

  /// A step of the loop (loop.h).
  void take_step(const json::object& step);
  void take_delta(const AnswerDelta& delta);
  /// A step of an earlier turn, with what was said in it.
  void replay_step(const json::object& step);

  /// Of session/request_permission, for the call that comes next.
  json::object permission_params(const ApprovalRequest& request);
  static Result<ApprovalAnswer> read_permission(const json::object& answer);

 private:
  struct AwaitedCall {
    std::string id;
    std::string name;
    json::object arguments;
  };
  void update(json::object fields);
  void say(std::string_view update_name, const std::string& text);
  void show_call(const AwaitedCall& call, std::string_view preview, std::string_view status);
  void take_call(const json::object& step);

  const std::string session_;
  const Send send_;
  std::list<AwaitedCall> awaited_;  // of the last answer, not yet begun
  std::set<std::string> shown_;
};

/// How a turn ended, from the loop's reason.
std::string_view stop_reason(std::string_view reason);

}  // namespace ondol::acp
