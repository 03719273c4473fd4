#include "agent/json_rpc.h"

#include <utility>

#include <fmt/format.h>

namespace ondol {
namespace {

bool is_id(const json::value& value) {
  return value.is_string() || value.is_int64() || value.is_uint64();
}

RpcRefusal invalid(const json::value& id, std::string why) {
  return {id, {kRpcInvalidRequest, "not a JSON-RPC 2.0 message: " + std::move(why)}};
}

RpcError read_error(const json::value& value) {
  RpcError error;
  error.code = static_cast<int>(int_or(value, "code", kRpcInternalError));
  error.message = string_or(value, "message", "an error without a message");
  if (const json::value* data = find_member(value, "data")) error.data = *data;
  return error;
}

std::variant<RpcMessage, RpcRefusal> read_call(const json::object& object, const json::value& id) {
  RpcMessage message;
  const json::value& method = object.at("method");
  if (!method.is_string() || method.get_string().empty()) return invalid(id, "'method' must be a text");
  message.method = method.get_string().c_str();
  message.kind = object.contains("id") ? RpcMessage::Kind::kRequest : RpcMessage::Kind::kNotification;
  message.id = id;
  if (const json::value* params = object.if_contains("params")) {
    if (!params->is_object()) return invalid(id, "'params' must be an object");
    message.params = params->get_object();
  }
  return message;
}

}  // namespace

std::variant<RpcMessage, RpcRefusal> read_rpc(const json::value& value) {
  const json::object* object = value.if_object();
  if (object == nullptr) return invalid(nullptr, "expected an object");
  const json::value* id = object->if_contains("id");
  const json::value known_id = id != nullptr && is_id(*id) ? *id : json::value(nullptr);
  if (string_or(value, "jsonrpc", "") != "2.0") return invalid(known_id, "'jsonrpc' must be \"2.0\"");
  const bool is_call = object->contains("method");
  // An error may answer what could not be read.
  const bool may_lack_id = object->contains("error") && (id == nullptr || id->is_null());
  if (id != nullptr && !is_id(*id) && !may_lack_id) return invalid(nullptr, "'id' must be a text or a whole number");
  if (is_call) return read_call(*object, known_id);
  RpcMessage message;
  message.id = known_id;
  if (const json::value* error = object->if_contains("error")) {
    if (!error->is_object()) return invalid(known_id, "'error' must be an object");
    message.kind = RpcMessage::Kind::kError;
    message.error = read_error(*error);
    return message;
  }
  const json::value* result = object->if_contains("result");
  if (result == nullptr) return invalid(known_id, "expected 'method', 'result' or 'error'");
  if (!result->is_object()) return invalid(known_id, "'result' must be an object");
  if (id == nullptr) return invalid(known_id, "a result needs an 'id'");
  message.kind = RpcMessage::Kind::kResult;
  message.result = result->get_object();
  return message;
}

std::variant<RpcMessage, RpcRefusal> read_rpc(std::string_view text) {
  auto value = parse_json(text);
  if (!value) return RpcRefusal{nullptr, {kRpcParseError, value.error().message()}};
  return read_rpc(*value);
}

json::object rpc_request(const json::value& id, std::string_view method, json::object params) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}};
}

json::object rpc_notification(std::string_view method, json::object params) {
  json::object message{{"jsonrpc", "2.0"}, {"method", method}};
  if (!params.empty()) message["params"] = std::move(params);
  return message;
}

json::object rpc_result(const json::value& id, json::object result) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}};
}

json::object rpc_error(const json::value& id, const RpcError& error) {
  json::object body{{"code", error.code}, {"message", error.message}};
  if (!error.data.is_null()) body["data"] = error.data;
  return {{"jsonrpc", "2.0"}, {"id", id}, {"error", std::move(body)}};
}

std::string rpc_key(const json::value& id) {
  return json_text(id);
}

}  // namespace ondol
