// JSON-RPC 2.0 as MCP and ACP use it: messages are read, checked and written. No batches here: a message is one object.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/json.h"

namespace ondol {

enum RpcErrorCode : int {
  kRpcParseError = -32700,
  kRpcInvalidRequest = -32600,
  kRpcMethodNotFound = -32601,
  kRpcInvalidParams = -32602,
  kRpcInternalError = -32603,
};

struct RpcError {
  int code = kRpcInternalError;
  std::string message;
  json::value data = nullptr;  // null: none
};

struct RpcMessage {
  enum class Kind { kRequest, kNotification, kResult, kError };
  Kind kind = Kind::kRequest;
  json::value id = nullptr;  // a string or an integer; null in a notification, and in an error that answers nothing
  std::string method;
  json::object params;
  json::object result;
  RpcError error;
};

/// What is wrong with a message, to be sent back: `id` is its own, as far as it could be read.
struct RpcRefusal {
  json::value id = nullptr;
  RpcError error;
};

std::variant<RpcMessage, RpcRefusal> read_rpc(const json::value& value);
/// Of the text of one message.
std::variant<RpcMessage, RpcRefusal> read_rpc(std::string_view text);

json::object rpc_request(const json::value& id, std::string_view method, json::object params);
/// Without `params` where there are none.
json::object rpc_notification(std::string_view method, json::object params = {});
json::object rpc_result(const json::value& id, json::object result);
json::object rpc_error(const json::value& id, const RpcError& error);

/// An id as a key of maps: "1" and 1 are two.
std::string rpc_key(const json::value& id);

}  // namespace ondol
