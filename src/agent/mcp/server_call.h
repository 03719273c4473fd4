// ServerCall: a request that the server answers, from when it was understood until its answer has been sent.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "agent/json_rpc.h"
#include "agent/mcp/call.h"
#include "agent/mcp/catalog.h"
#include "agent/mcp/outlet.h"
#include "agent/mcp/sealed_state.h"
#include "agent/mcp/session.h"

namespace ondol::mcp {

/// Who asks, and how.
struct Caller {
  Revision revision = kNewest;
  json::object capabilities;
  std::optional<LogLevel> log_level;  // nothing: no logs are wanted
  std::string principal;              // whom the transport knows it as; "" is nobody in particular
  std::shared_ptr<Session> session;   // of those that shook hands
};

class ServerCall : public Call {
 public:
  /// `seal` lives longer.
  ServerCall(RpcMessage request, Caller caller, OutletPtr outlet, const SealedState& seal);

  const RpcMessage& request() const { return request_; }
  const Caller& caller() const { return caller_; }

  /// Takes up what the client sent along as answers to earlier questions. Error: what is wrong with it.
  std::optional<RpcError> take_answers();

  Revision revision() const override { return caller_.revision; }
  bool goes_on() const override { return !is_cancelled_; }
  bool client_can(std::string_view capability) const override { return caller_.capabilities.contains(capability); }
  void progress(double done, double total, std::string_view message) override;
  void log(LogLevel level, std::string_view logger, json::value data) override;
  Result<json::object> ask(std::string_view key, std::string_view method, json::object params) override;
  bool is_waiting() const override { return !wanted_.empty(); }
  void release_connection() override { outlet_->release(); }

  /// The client does not want the answer any more. From any thread.
  void cancel();
  /// Once. `common` is added to a result where the revision wants that.
  void finish(Reply reply, const json::object& common, int http_status = 200);

 private:
  std::string purpose() const;
  json::object input_required() const;

  const RpcMessage request_;
  const Caller caller_;
  const OutletPtr outlet_;
  const SealedState& seal_;
  std::atomic<bool> is_cancelled_ = false;
  double progress_ = -1;
  json::object answers_;            // by key
  json::object wanted_;             // questions without an answer, by key
  std::string missing_capability_;  // that the client would have needed
};

/// JSON-RPC's answer to `request`, as the revision writes it.
json::object answer_text(const RpcMessage& request, Revision revision, Reply reply, const json::object& common);

}  // namespace ondol::mcp
