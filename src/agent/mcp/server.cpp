#include "agent/mcp/server.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

namespace ondol::mcp {
namespace {

RpcError unsupported(std::string_view requested) {
  return {kUnsupportedRevision, "unsupported protocol version",
          json::object{{"supported", json::array{name_of(kNewest)}}, {"requested", requested}}};
}

/// What a request says of its client. Error: a required field is missing or wrong.
std::variant<Caller, RpcError> read_caller(const RpcMessage& request) {
  const auto invalid = [](std::string_view key) {
    return RpcError{kRpcInvalidParams, fmt::format("_meta: '{}' is missing or wrong", key)};
  };
  const json::value* meta = request.params.if_contains("_meta");
  if (meta == nullptr || !meta->is_object()) return RpcError{kRpcInvalidParams, "'_meta' is missing"};
  const json::value* revision = find_member(*meta, kMetaRevision);
  if (revision == nullptr || !revision->is_string()) return invalid(kMetaRevision);
  const json::value* capabilities = find_member(*meta, kMetaClientCapabilities);
  if (capabilities == nullptr || !capabilities->is_object()) return invalid(kMetaClientCapabilities);
  const auto known = revision_named(revision->get_string());
  if (!known || has_handshake(*known)) return unsupported(revision->get_string());
  Caller caller;
  caller.revision = *known;
  caller.capabilities = capabilities->get_object();
  if (const json::value* level = find_member(*meta, kMetaLogLevel)) {
    caller.log_level = level->is_string() ? log_level_named(level->get_string()) : std::nullopt;
    if (!caller.log_level) return invalid(kMetaLogLevel);
  }
  return caller;
}

json::object with_subscription(json::object params, const json::value& id) {
  json::object meta;
  meta[kMetaSubscription] = id;
  params["_meta"] = std::move(meta);
  return params;
}

}  // namespace

struct Server::Threads {
  explicit Threads(int n) : pool(static_cast<size_t>(n)) {}
  std::atomic<size_t> n_waiting = 0;
  boost::asio::thread_pool pool;
};

Server::Server(std::shared_ptr<Catalog> catalog, ServerOptions options)
    : catalog_(std::move(catalog)),
      options_(std::move(options)),
      threads_(std::make_unique<Threads>(options_.n_threads)) {
  catalog_listener_ = catalog_->listen([this](const Change& change) { on_change(change); });
}

Server::~Server() {
  stop();
}

void Server::stop() {
  std::vector<std::shared_ptr<ServerCall>> running;
  std::list<std::shared_ptr<Listener>> listeners;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_stopped_, true)) return;
    for (const auto& [key, call] : running_)
      if (auto alive = call.lock()) running.push_back(std::move(alive));
    listeners.swap(listeners_);
  }
  catalog_->stop_listening(catalog_listener_);
  for (const auto& listener : listeners) {
    json::object result{{"resultType", "complete"}};
    listener->outlet->finish(rpc_result(listener->id, with_subscription(std::move(result), listener->id)));
  }
  for (const auto& call : running) call->cancel();
  threads_->pool.stop();
  threads_->pool.join();
}

size_t Server::n_running() {
  const std::lock_guard lock(mutex_);
  return running_.size();
}

bool Server::is_stateless(const RpcMessage& request) {
  const json::value* meta = request.params.if_contains("_meta");
  return meta != nullptr && find_member(*meta, kMetaRevision) != nullptr;
}

Canceller Server::answer(RpcMessage request, OutletPtr outlet, std::string principal) {
  auto caller = read_caller(request);
  if (const RpcError* error = std::get_if<RpcError>(&caller)) {
    outlet->finish(rpc_error(request.id, *error), 400);
    return {};
  }
  std::get<Caller>(caller).principal = std::move(principal);
  if (request.method == "subscriptions/listen") return listen(request, std::move(outlet));
  const auto call =
      std::make_shared<ServerCall>(std::move(request), std::move(std::get<Caller>(caller)), std::move(outlet), seal_);
  begin(call);
  return [weak = std::weak_ptr(call)] {
    if (const auto alive = weak.lock()) alive->cancel();
  };
}

std::shared_ptr<Session> Server::open_session(const RpcMessage& initialize, Outlet& outlet) {
  const json::value* capabilities = initialize.params.if_contains("capabilities");
  const std::string wanted = string_or(initialize.params, "protocolVersion", "");
  if (wanted.empty() || capabilities == nullptr || !capabilities->is_object()) {
    const RpcError error{kRpcInvalidParams, "initialize: 'protocolVersion' and 'capabilities' are needed"};
    outlet.finish(rpc_error(initialize.id, error), 400);
    return nullptr;
  }
  auto revision = revision_named(wanted);
  if (!revision || !has_handshake(*revision)) revision = kNewestWithHandshake;
  auto session = std::make_shared<Session>(*revision, capabilities->get_object());
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(sessions_, [](const auto& old) { return old.expired(); });
    sessions_.push_back(session);
  }
  json::object result{
      {"protocolVersion", name_of(*revision)}, {"capabilities", this->capabilities()}, {"serverInfo", identity()}};
  if (!options_.instructions.empty()) result["instructions"] = options_.instructions;
  outlet.finish(rpc_result(initialize.id, std::move(result)));
  return session;
}

void Server::take(const std::shared_ptr<Session>& session, RpcMessage message, OutletPtr outlet) {
  if (message.kind == RpcMessage::Kind::kResult || message.kind == RpcMessage::Kind::kError)
    return session->take_answer(message);
  if (message.kind == RpcMessage::Kind::kNotification) {
    const json::value* id = message.params.if_contains("requestId");
    if (message.method == "notifications/cancelled" && id != nullptr) session->cancel(*id);
    return;
  }
  Caller caller;
  caller.revision = session->revision;
  caller.capabilities = session->capabilities;
  caller.session = session;
  const json::value id = message.id;
  const auto call = std::make_shared<ServerCall>(std::move(message), std::move(caller), std::move(outlet), seal_);
  session->add_running(id, [weak = std::weak_ptr(call)] {
    if (const auto alive = weak.lock()) alive->cancel();
  });
  begin(call);
}

Server::Method Server::find_method(std::string_view name) const {
  struct Entry {
    std::string_view name;
    Method method;
  };
  static constexpr Entry kMethods[] = {
      {"server/discover", &Server::discover},
      {"tools/list", &Server::list_tools},
      {"tools/call", &Server::call_tool},
      {"prompts/list", &Server::list_prompts},
      {"prompts/get", &Server::get_prompt},
      {"resources/list", &Server::list_resources},
      {"resources/templates/list", &Server::list_templates},
      {"resources/read", &Server::read_resource},
      {"completion/complete", &Server::complete},
      {"logging/setLevel", &Server::set_log_level},
      {"resources/subscribe", &Server::subscribe},
      {"resources/unsubscribe", &Server::unsubscribe},
      {"ping", &Server::ping},
  };
  for (const Entry& entry : kMethods)
    if (entry.name == name) return entry.method;
  return nullptr;
}

void Server::begin(const std::shared_ptr<ServerCall>& call) {
  const RpcMessage& request = call->request();
  const bool has_session = call->caller().session != nullptr;
  // Each era has methods that the other has not.
  static constexpr std::string_view kOnlyWithSessions[] = {"ping", "logging/setLevel", "resources/subscribe",
                                                           "resources/unsubscribe"};
  const bool needs_session = std::find(std::begin(kOnlyWithSessions), std::end(kOnlyWithSessions), request.method) !=
                             std::end(kOnlyWithSessions);
  const Method method = find_method(request.method);
  if (method == nullptr || needs_session > has_session || (request.method == "server/discover" && has_session)) {
    const RpcError error{kRpcMethodNotFound, fmt::format("no such method: {}", request.method.substr(0, 100))};
    if (has_session) call->caller().session->remove_running(request.id);
    return call->finish(error, {}, has_session ? 200 : 404);
  }
  {
    const std::lock_guard lock(mutex_);
    if (is_stopped_ || threads_->n_waiting >= options_.most_waiting) {
      const RpcError error{kRpcInternalError, "the server is busy; try again later"};
      return call->finish(error, {}, 503);
    }
    running_[call.get()] = call;
    ++threads_->n_waiting;
  }
  boost::asio::post(threads_->pool, [this, call, method] {
    --threads_->n_waiting;
    Reply reply = run(*call, method);
    if (call->caller().session != nullptr) call->caller().session->remove_running(call->request().id);
    call->finish(std::move(reply), common_of(call->request().method));
    const std::lock_guard lock(mutex_);
    running_.erase(call.get());
  });
}

Reply Server::run(ServerCall& call, Method method) {
  if (auto error = call.take_answers()) return std::move(*error);
  if (!call.goes_on()) return RpcError{kRpcInternalError, "cancelled"};
  try {
    return (this->*method)(call);
  } catch (const std::exception& exception) {
    return RpcError{kRpcInternalError, exception.what()};
  }
}

json::object Server::common_of(std::string_view method) const {
  json::object common, meta;
  meta[kMetaServerInfo] = identity();
  common["_meta"] = std::move(meta);
  if (method.ends_with("/list") || method == "resources/read" || method == "server/discover") {
    common["ttlMs"] = options_.ttl_ms;
    common["cacheScope"] = "private";
  }
  return common;
}

json::object Server::capabilities() const {
  const json::object changes{{"listChanged", true}};
  return {{"tools", changes},
          {"prompts", changes},
          {"resources", json::object{{"subscribe", true}, {"listChanged", true}}},
          {"completions", json::object()},
          {"logging", json::object()}};
}

json::object Server::identity() const {
  return {{"name", options_.name}, {"title", options_.title}, {"version", options_.version}};
}

Canceller Server::listen(const RpcMessage& request, OutletPtr outlet) {
  const json::value* filter = request.params.if_contains("notifications");
  if (filter == nullptr || !filter->is_object()) {
    const RpcError error{kRpcInvalidParams, "subscriptions/listen: 'notifications' must be an object"};
    outlet->finish(rpc_error(request.id, error));
    return {};
  }
  auto listener = std::make_shared<Listener>();
  listener->id = request.id;
  listener->outlet = std::move(outlet);
  json::object agreed;
  const auto wants = [&](std::string_view name) {
    const bool is_wanted = bool_or(*filter, name, false);
    if (is_wanted) agreed[name] = true;
    return is_wanted;
  };
  listener->tools = wants("toolsListChanged");
  listener->prompts = wants("promptsListChanged");
  listener->resources = wants("resourcesListChanged");
  const json::value* uris = find_member(*filter, "resourceSubscriptions");
  if (uris != nullptr && uris->is_array()) {
    for (const json::value& uri : uris->get_array())
      if (uri.is_string()) listener->uris.emplace_back(uri.get_string());
    agreed["resourceSubscriptions"] = *uris;
  }
  {
    // Held while it is told, so that nothing else comes first.
    const std::lock_guard lock(mutex_);
    if (is_stopped_) {
      listener->outlet->drop();
      return {};
    }
    json::object params{{"notifications", std::move(agreed)}};
    listener->outlet->send(rpc_notification("notifications/subscriptions/acknowledged",
                                            with_subscription(std::move(params), listener->id)));
    listeners_.push_back(listener);
  }
  return [this, listener] {
    {
      const std::lock_guard lock(mutex_);
      listeners_.remove(listener);
    }
    listener->outlet->drop();
  };
}

void Server::on_change(const Change& change) {
  using Kind = Change::Kind;
  static constexpr std::string_view kMethods[] = {
      "notifications/tools/list_changed", "notifications/prompts/list_changed", "notifications/resources/list_changed",
      "notifications/resources/updated"};
  const std::string_view method = kMethods[static_cast<size_t>(change.kind)];
  json::object params;
  if (change.kind == Kind::kResource) params["uri"] = change.uri;
  std::vector<std::shared_ptr<Session>> sessions;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& listener : listeners_) {
      const bool is_wanted =
          (change.kind == Kind::kTools && listener->tools) || (change.kind == Kind::kPrompts && listener->prompts) ||
          (change.kind == Kind::kResources && listener->resources) ||
          (change.kind == Kind::kResource &&
           std::find(listener->uris.begin(), listener->uris.end(), change.uri) != listener->uris.end());
      if (is_wanted) listener->outlet->send(rpc_notification(method, with_subscription(params, listener->id)));
    }
    for (const auto& session : sessions_)
      if (auto alive = session.lock()) sessions.push_back(std::move(alive));
  }
  for (const auto& session : sessions)
    if (change.kind != Kind::kResource || session->is_subscribed(change.uri))
      session->notify(rpc_notification(method, params));
}

}  // namespace ondol::mcp
