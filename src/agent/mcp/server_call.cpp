#include "agent/mcp/server_call.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "agent/mcp/elicitation.h"
#include "base/clock.h"

namespace ondol::mcp {
namespace {

constexpr std::chrono::minutes kMostTimeForAnAnswer{10};  // of a person
constexpr int64_t kStateSeconds = 3600;

std::string_view capability_for(std::string_view method) {
  if (method == "elicitation/create") return "elicitation";
  return method == "sampling/createMessage" ? "sampling" : "roots";
}

int64_t now_seconds() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::seconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

ServerCall::ServerCall(RpcMessage request, Caller caller, OutletPtr outlet, const SealedState& seal)
    : request_(std::move(request)), caller_(std::move(caller)), outlet_(std::move(outlet)), seal_(seal) {}

std::string ServerCall::purpose() const {
  json::object salient;
  for (const std::string_view field : {"name", "uri", "arguments"})
    if (const json::value* value = request_.params.if_contains(field)) salient[field] = *value;
  return fmt::format("{}\n{}\n{}", request_.method, digest_of(json_text(salient)), caller_.principal);
}

std::optional<RpcError> ServerCall::take_answers() {
  if (const json::value* state = request_.params.if_contains("requestState")) {
    if (!state->is_string()) return RpcError{kRpcInvalidParams, "requestState must be a text"};
    auto opened = seal_.open(state->get_string(), purpose(), now_seconds());
    if (!opened) return RpcError{kRpcInvalidParams, opened.error().message()};
    answers_ = std::move(*opened);
  }
  if (const json::value* responses = request_.params.if_contains("inputResponses")) {
    if (!responses->is_object()) return RpcError{kRpcInvalidParams, "inputResponses must be an object"};
    for (const auto& [key, answer] : responses->get_object()) answers_[key] = answer;
  }
  return std::nullopt;
}

void ServerCall::progress(double done, double total, std::string_view message) {
  const json::value* meta = request_.params.if_contains("_meta");
  const json::value* token = meta != nullptr ? find_member(*meta, "progressToken") : nullptr;
  if (token == nullptr || is_cancelled_ || done <= progress_) return;
  progress_ = done;
  json::object params{{"progressToken", *token}, {"progress", done}};
  if (total > 0) params["total"] = total;
  if (!message.empty() && caller_.revision >= Revision::k2025_03_26) params["message"] = message;
  outlet_->send(rpc_notification("notifications/progress", std::move(params)));
}

void ServerCall::log(LogLevel level, std::string_view logger, json::value data) {
  const auto least = caller_.session != nullptr ? caller_.session->log_level() : caller_.log_level;
  if (!least || level < *least || is_cancelled_) return;
  json::object params{{"level", name_of(level)}, {"logger", logger}, {"data", std::move(data)}};
  outlet_->send(rpc_notification("notifications/message", std::move(params)));
}

Result<json::object> ServerCall::ask(std::string_view key, std::string_view method, json::object params) {
  const std::string_view capability = capability_for(method);
  if (!client_can(capability)) {
    missing_capability_ = capability;
    return Error(fmt::format("{}: the client has no capability '{}'", method, capability));
  }
  if (caller_.session != nullptr) {
    const json::object answer =
        ONDOL_TRY(caller_.session->ask(*outlet_, method, params, kMostTimeForAnAnswer, [this] { return goes_on(); }));
    ONDOL_TRY(check_answer(method, params, answer).in(fmt::format("{}: the client's answer", method)));
    return answer;
  }
  if (const json::value* answer = answers_.if_contains(key)) {
    if (check_answer(method, params, *answer)) return answer->get_object();
  }
  wanted_[key] = json::object{{"method", method}, {"params", std::move(params)}};
  return Error(fmt::format("{}: the client is asked first", method));
}

void ServerCall::cancel() {
  if (!is_cancelled_.exchange(true)) outlet_->drop();
}

json::object ServerCall::input_required() const {
  // What has an answer already comes along, so that later rounds have the answers of earlier ones.
  return {{"resultType", "input_required"},
          {"inputRequests", wanted_},
          {"requestState", seal_.seal(answers_, purpose(), now_seconds() + kStateSeconds)}};
}

void ServerCall::finish(Reply reply, const json::object& common, int http_status) {
  if (is_cancelled_) return;
  if (caller_.session == nullptr && !missing_capability_.empty()) {
    json::object needed;
    needed[missing_capability_] = json::object();
    reply = RpcError{kMissingClientCapability,
                     fmt::format("this needs a client with the capability '{}'", missing_capability_),
                     json::object{{"requiredCapabilities", std::move(needed)}}};
    http_status = 400;
  } else if (caller_.session == nullptr && !wanted_.empty()) {
    reply = input_required();
  }
  outlet_->finish(answer_text(request_, caller_.revision, std::move(reply), common), http_status);
}

json::object answer_text(const RpcMessage& request, Revision revision, Reply reply, const json::object& common) {
  if (const RpcError* error = std::get_if<RpcError>(&reply)) return rpc_error(request.id, *error);
  json::object& result = std::get<json::object>(reply);
  if (has_handshake(revision)) return rpc_result(request.id, std::move(result));
  const bool is_complete = result.emplace("resultType", "complete").first->value() == "complete";
  for (const auto& [key, value] : common) {
    if (key == "_meta") {
      json::object& meta = result.emplace("_meta", json::object()).first->value().as_object();
      for (const auto& [name, field] : value.as_object()) meta.emplace(name, field);
    } else if (is_complete) {
      result.emplace(key, value);
    }
  }
  return rpc_result(request.id, std::move(result));
}

}  // namespace ondol::mcp
