#include "agent/mcp/client.h"

#include <utility>

#include <fmt/format.h>

#include "agent/mcp/elicitation.h"

namespace ondol::mcp {
namespace {

constexpr int kMostRounds = 20;   // of questions for one call
constexpr int kMostPages = 1000;  // of a list
constexpr size_t kMostItems = 20'000;

bool is_of_newest(const RpcError& error) {
  return error.code == kHeaderMismatch || error.code == kMissingClientCapability || error.code == kUnsupportedRevision;
}

bool names(const json::value* list, Revision revision) {
  if (list == nullptr || !list->is_array()) return false;
  for (const json::value& item : list->get_array())
    if (item.is_string() && item.get_string() == name_of(revision)) return true;
  return false;
}

const json::value* member(const json::value& data, std::string_view name) {
  return data.is_object() ? data.get_object().if_contains(name) : nullptr;
}

}  // namespace

Client::Client(std::unique_ptr<Transport> transport, ClientOptions options, ClientHandlers handlers)
    : transport_(std::move(transport)), options_(std::move(options)), handlers_(std::move(handlers)) {}

// The transport may still be listening with handlers of this.
Client::~Client() {
  transport_->close();
}

void Client::close() {
  transport_->close();
}

Result<std::unique_ptr<Client>> Client::connect(std::unique_ptr<Transport> transport, ClientOptions options,
                                                ClientHandlers handlers, const std::function<bool()>& goes_on) {
  std::unique_ptr<Client> client(new Client(std::move(transport), std::move(options), std::move(handlers)));
  ONDOL_TRY(client->find_revision(goes_on));
  return client;
}

Result<void> Client::find_revision(const GoesOn& goes_on) {
  if (ONDOL_TRY(discover(goes_on, options_.probe_time))) return {};
  auto shaken = shake_hands(goes_on);
  if (shaken) return {};
  // It may have taken longer to start than the question was waited for.
  revision_ = kNewest;
  transport_->set_revision(revision_);
  const auto found = discover(goes_on, options_.probe_time);
  if (found && *found) return {};
  return shaken.error();
}

// Whether the server knows a revision without handshakes. Error: there is none, or it fits no revision of ours.
Result<bool> Client::discover(const GoesOn& goes_on, std::chrono::milliseconds time) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    transport_->set_revision(kNewest);
    auto response = exchange("server/discover", {}, time, goes_on, {});
    if (!response && transport_->needs_mirrored_arguments()) return response.error();  // no HTTP server
    if (!response && goes_on != nullptr && !goes_on()) return response.error();
    if (!response) return false;
    const RpcMessage& message = response->message;
    if (message.kind == RpcMessage::Kind::kResult) {
      const json::value* versions = message.result.if_contains("supportedVersions");
      if (versions == nullptr) return false;  // answers everything with an empty result
      if (!names(versions, kNewest)) break;
      const json::value* found = message.result.if_contains("capabilities");
      if (found != nullptr && found->is_object()) capabilities_ = found->get_object();
      instructions_ = string_or(message.result, "instructions", "");
      return true;
    }
    if (message.error.code == kUnsupportedRevision) {
      const json::value* supported = member(message.error.data, "supported");
      if (names(supported, kNewest)) continue;
      if (names(supported, kNewestWithHandshake)) return false;
      break;
    }
    if (is_of_newest(message.error))
      return Error(fmt::format("{}: server/discover: {}", transport_->name(), message.error.message));
    return false;
  }
  return Error(
      fmt::format("{}: expected a server of revision {} or older ones with a handshake, and it says it is of "
                  "neither",
                  transport_->name(), name_of(kNewest)));
}

Result<void> Client::shake_hands(const GoesOn& goes_on) {
  revision_ = kNewestWithHandshake;
  transport_->set_revision(revision_);
  json::object params{
      {"protocolVersion", name_of(revision_)}, {"capabilities", client_capabilities()}, {"clientInfo", identity()}};
  const json::object result =
      ONDOL_TRY(once("initialize", std::move(params), options_.connect_time, goes_on).in(transport_->name()));
  const std::string version = string_or(result, "protocolVersion", "");
  const auto revision = revision_named(version);
  if (!revision)
    return Error(fmt::format("{}: it speaks revision '{}' of the protocol, which is not known here", transport_->name(),
                             version.substr(0, 40)));
  revision_ = has_handshake(*revision) ? *revision : kNewestWithHandshake;
  transport_->set_revision(revision_);
  const json::value* found = result.if_contains("capabilities");
  if (found != nullptr && found->is_object()) capabilities_ = found->get_object();
  instructions_ = string_or(result, "instructions", "");
  ONDOL_TRY(transport_->notify(rpc_notification("notifications/initialized")));
  transport_->listen([this](const RpcMessage& message) { return take(message, nullptr, {}); });
  return {};
}

json::object Client::identity() const {
  return {{"name", options_.name}, {"version", options_.version}};
}

json::object Client::client_capabilities() const {
  json::object capabilities;
  if (handlers_.elicit) capabilities["elicitation"] = json::object();
  if (handlers_.sample) capabilities["sampling"] = json::object();
  if (handlers_.roots) capabilities["roots"] = json::object();
  return capabilities;
}

Result<json::array> Client::list_tools(const GoesOn& goes_on) {
  json::array usable;
  for (json::value& tool : ONDOL_TRY(list("tools/list", "tools", "tools", goes_on))) {
    const json::value* schema = find_member(tool, "inputSchema");
    const std::string name = string_or(tool, "name", "");
    if (name.empty() || schema == nullptr || !schema->is_object()) continue;
    auto mirrored = mirrored_arguments(*schema);
    if (!mirrored && transport_->needs_mirrored_arguments()) continue;
    mirrored_[name] = mirrored ? std::move(*mirrored) : std::vector<MirroredArgument>();
    usable.push_back(std::move(tool));
  }
  return usable;
}

Result<json::array> Client::list_resources(const GoesOn& goes_on) {
  return list("resources/list", "resources", "resources", goes_on);
}

Result<json::array> Client::list_resource_templates(const GoesOn& goes_on) {
  return list("resources/templates/list", "resourceTemplates", "resources", goes_on);
}

Result<json::array> Client::list_prompts(const GoesOn& goes_on) {
  return list("prompts/list", "prompts", "prompts", goes_on);
}

Result<json::array> Client::list(const std::string& method, std::string_view name, std::string_view capability,
                                 const GoesOn& goes_on) {
  json::array all;
  // Servers that say nothing of what they can are asked, and may not know what that is.
  const bool is_declared = capabilities_.contains(capability);
  if (!capabilities_.empty() && !is_declared) return all;
  json::object params;
  for (int page = 0; page < kMostPages && all.size() < kMostItems; ++page) {
    const auto reply = once(method, params, options_.list_time, goes_on);
    if (!is_declared && (!reply || !reply->contains(name))) return all;
    if (!reply) return reply.error();
    const json::object& result = *reply;
    const json::value* items = result.if_contains(name);
    if (items == nullptr || !items->is_array())
      return Error(fmt::format("{}: {}: expected an array '{}'", transport_->name(), method, name));
    all.insert(all.end(), items->get_array().begin(), items->get_array().end());
    const json::value* cursor = result.if_contains("nextCursor");
    if (cursor == nullptr || !cursor->is_string()) return all;
    params["cursor"] = *cursor;
  }
  return all;
}

Result<json::object> Client::call_tool(const std::string& name, const json::object& arguments, const GoesOn& goes_on,
                                       const OnProgress& on_progress) {
  return ask("tools/call", {{"name", name}, {"arguments", arguments}}, goes_on, on_progress);
}

Result<json::object> Client::read_resource(const std::string& uri, const GoesOn& goes_on) {
  return ask("resources/read", {{"uri", uri}}, goes_on);
}

Result<json::object> Client::get_prompt(const std::string& name, const json::object& arguments, const GoesOn& goes_on) {
  return ask("prompts/get", {{"name", name}, {"arguments", arguments}}, goes_on);
}

Result<json::object> Client::ask(const std::string& method, json::object params, const GoesOn& goes_on,
                                 const OnProgress& on_progress) {
  const json::object first = params;
  for (int round = 0; round < kMostRounds; ++round) {
    json::object result = ONDOL_TRY(once(method, params, options_.call_time, goes_on, on_progress));
    const std::string type = string_or(result, "resultType", "complete");
    if (type == "complete") return result;
    if (type != "input_required")
      return Error(
          fmt::format("{}: {}: a result of an unknown type '{}'", transport_->name(), method, type.substr(0, 40)));
    params = first;
    if (const json::value* state = result.if_contains("requestState")) params["requestState"] = *state;
    const json::value* questions = result.if_contains("inputRequests");
    if (questions == nullptr || !questions->is_object()) continue;
    json::object responses;
    for (const auto& [key, question] : questions->get_object()) {
      const json::value* asked = find_member(question, "params");
      responses[key] = ONDOL_TRY(answer(string_or(question, "method", ""),
                                        asked != nullptr && asked->is_object() ? asked->get_object() : json::object()));
    }
    params["inputResponses"] = std::move(responses);
  }
  return Error(
      fmt::format("{}: {}: the server asked {} times and came to no result", transport_->name(), method, kMostRounds));
}

Result<json::object> Client::once(const std::string& method, json::object params, std::chrono::milliseconds time,
                                  const GoesOn& goes_on, const OnProgress& on_progress) {
  auto response = ONDOL_TRY(exchange(method, params, time, goes_on, on_progress));
  // The session has ended: a new one is begun.
  if (response.http_status == 404 && has_handshake(revision_) && method != "initialize") {
    transport_->close();
    ONDOL_TRY(shake_hands(goes_on));
    response = ONDOL_TRY(exchange(method, std::move(params), time, goes_on, on_progress));
  }
  if (response.message.kind == RpcMessage::Kind::kResult) return std::move(response.message.result);
  const RpcError& error = response.message.error;
  if (!response.is_of_protocol) return Error(fmt::format("{}: {}", transport_->name(), error.message));
  return Error(fmt::format("{}: {}: {} (error {})", transport_->name(), method, error.message, error.code));
}

Result<Response> Client::exchange(const std::string& method, json::object params, std::chrono::milliseconds time,
                                  const GoesOn& goes_on, const OnProgress& on_progress) {
  const json::value id = ++n_requests_;
  json::object meta;
  if (!has_handshake(revision_)) {
    meta[kMetaRevision] = name_of(revision_);
    meta[kMetaClientInfo] = identity();
    meta[kMetaClientCapabilities] = client_capabilities();
  }
  if (on_progress) meta["progressToken"] = id;
  if (!meta.empty()) params["_meta"] = std::move(meta);
  std::vector<MirroredArgument> mirrored;
  if (method == "tools/call" && !has_handshake(revision_)) mirrored = mirrored_[string_or(params, "name", "")];
  const Patience patience{std::chrono::steady_clock::now() + time, goes_on};
  return transport_->exchange(rpc_request(id, method, std::move(params)), mirrored, patience,
                              [&](const RpcMessage& message) { return take(message, id, on_progress); });
}

std::optional<json::object> Client::take(const RpcMessage& message, const json::value& token,
                                         const OnProgress& on_progress) {
  if (message.kind == RpcMessage::Kind::kNotification) {
    const json::value* of = message.params.if_contains("progressToken");
    if (message.method == "notifications/progress" && on_progress && of != nullptr && *of == token)
      on_progress(double_or(message.params, "progress", 0), double_or(message.params, "total", 0),
                  string_or(message.params, "message", ""));
    if (handlers_.on_notification) handlers_.on_notification(message.method, message.params);
    return std::nullopt;
  }
  if (message.method == "ping") return rpc_result(message.id, {});
  auto result = answer(message.method, message.params);
  if (result) return rpc_result(message.id, std::move(*result));
  const bool is_known = message.method == "elicitation/create" || message.method == "sampling/createMessage" ||
                        message.method == "roots/list";
  return rpc_error(message.id, {is_known ? kRpcInternalError : kRpcMethodNotFound, result.error().message()});
}

Result<json::object> Client::answer(const std::string& method, const json::object& params) {
  if (method == "elicitation/create" && handlers_.elicit) {
    json::object result = ONDOL_TRY(handlers_.elicit(params));
    const json::value* schema = params.if_contains("requestedSchema");
    const json::value* content = result.if_contains("content");
    if (schema != nullptr && string_or(result, "action", "") == "accept")
      result["content"] =
          with_defaults(*schema, content != nullptr && content->is_object() ? content->get_object() : json::object());
    return result;
  }
  if (method == "sampling/createMessage" && handlers_.sample) return handlers_.sample(params);
  if (method == "roots/list" && handlers_.roots) return json::object{{"roots", handlers_.roots()}};
  return Error(fmt::format("no such method: {}", method.substr(0, 100)));
}

}  // namespace ondol::mcp
