#include "server/mcp_http.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "agent/mcp/batch_outlet.h"
#include "agent/mcp/headers.h"

namespace ondol::server {
namespace {

constexpr const char* kSessionHeader = "Mcp-Session-Id";

void refuse(Responder& responder, int status, const json::value& id, const RpcError& error) {
  Headers headers;
  if (status == 405) headers.emplace_back("Allow", "POST");
  responder.send(status, "application/json", json_text(rpc_error(id, error)), std::move(headers));
}

void accept(Responder& responder) {
  responder.send(202, "application/json", "");
}

std::optional<std::string> header_of(const Request& request, const std::string& name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? std::nullopt : std::optional(found->second);
}

/// Whether what came is of a revision without handshakes: by its words, or, where those are missing, by its headers.
bool is_stateless(const Request& request, const RpcMessage& message) {
  if (mcp::Server::is_stateless(message)) return true;
  const std::string_view named = request.header("mcp-protocol-version");
  const auto revision = mcp::revision_named(named);
  return revision && !has_handshake(*revision);
}

/// What a stateless request's headers must say.
std::optional<RpcError> check_request_headers(const Request& request, const RpcMessage& message,
                                              const mcp::Catalog& catalog) {
  const auto named = header_of(request, "mcp-protocol-version");
  if (!named) return RpcError{mcp::kHeaderMismatch, "header mismatch: MCP-Protocol-Version is missing"};
  const json::value* meta = message.params.if_contains("_meta");
  const std::string said = meta != nullptr ? string_or(*meta, mcp::kMetaRevision, *named) : *named;
  if (said != *named)
    return RpcError{mcp::kHeaderMismatch,
                    fmt::format("header mismatch: MCP-Protocol-Version is '{}', but the body says '{}'",
                                named->substr(0, 40), said.substr(0, 40))};
  // Another revision has other headers; that it is not known is the server's to say.
  if (const auto revision = mcp::revision_named(said); !revision || has_handshake(*revision)) return std::nullopt;
  std::vector<mcp::MirroredArgument> mirrored;
  if (message.method == "tools/call") {
    const auto tool = catalog.find_tool(string_or(message.params, "name", ""));
    const json::value* schema = tool != nullptr ? tool->listing.if_contains("inputSchema") : nullptr;
    if (schema != nullptr)
      if (auto found = mcp::mirrored_arguments(*schema)) mirrored = std::move(*found);
  }
  return check_headers(
      message, [&](const std::string& name) { return header_of(request, name); }, mirrored);
}

/// Keeps the answer, so that headers can go with it.
class KeptAnswer : public mcp::Outlet {
 public:
  void send(const json::object&) override {}
  void finish(const json::value& answer, int http_status) override {
    text = json_text(answer);
    status = http_status;
  }
  void drop() override {}
  std::string text;
  int status = 500;
};

}  // namespace

std::vector<Route> McpHttp::routes(const std::string& path, const std::shared_ptr<void>& kept) {
  using Handle = void (McpHttp::*)(const Request&, const ResponderPtr&);
  const auto on_worker = [this, &kept](Handle handle) {
    return [this, kept, handle](const std::shared_ptr<const Request>& request, const ResponderPtr& responder) {
      workers_.post([this, kept, handle, request, responder] { (this->*handle)(*request, responder); });
    };
  };
  return {{"POST", path, ErrorStyle::kOpenAi, true, on_worker(&McpHttp::post)},
          {"GET", path, ErrorStyle::kOpenAi, true, on_worker(&McpHttp::get)},
          {"DELETE", path, ErrorStyle::kOpenAi, true, on_worker(&McpHttp::remove)}};
}

void McpHttp::post(const Request& request, const ResponderPtr& responder) {
  const auto value = parse_json(request.body);
  if (!value) return refuse(*responder, 400, nullptr, {kRpcParseError, value.error().message()});
  if (value->is_array()) return take_batch(request, value->get_array(), responder);
  auto read = read_rpc(*value);
  if (const RpcRefusal* refusal = std::get_if<RpcRefusal>(&read))
    return refuse(*responder, 400, refusal->id, refusal->error);
  RpcMessage message = std::move(std::get<RpcMessage>(read));
  if (is_stateless(request, message)) return take_stateless(request, std::move(message), responder);
  if (message.kind == RpcMessage::Kind::kRequest && message.method == "initialize")
    return open_session(request, message, responder);
  const ClientPtr client = find_client(request, message.id, *responder);
  if (client == nullptr) return;
  if (message.kind != RpcMessage::Kind::kRequest) {
    server_.take(client->session, std::move(message), nullptr);
    return accept(*responder);
  }
  server_.take(client->session, std::move(message), new_stream(*client, responder));
}

void McpHttp::take_stateless(const Request& request, RpcMessage message, const ResponderPtr& responder) {
  if (message.kind == RpcMessage::Kind::kNotification) return accept(*responder);
  if (message.kind != RpcMessage::Kind::kRequest)
    return refuse(*responder, 400, message.id, {kRpcInvalidRequest, "expected a request, got a response"});
  if (const auto error = check_request_headers(request, message, server_.catalog()))
    return refuse(*responder, 400, message.id, *error);
  const mcp::Canceller canceller =
      server_.answer(std::move(message), std::make_shared<McpAnswer>(responder), request.client);
  if (canceller) responder->on_gone(canceller);
}

void McpHttp::take_batch(const Request& request, const json::array& batch, const ResponderPtr& responder) {
  const auto refuse_batch = [&] {
    refuse(*responder, 400, nullptr, {kRpcInvalidRequest, "expected one message, got an array"});
  };
  if (batch.empty() || request.header("mcp-session-id").empty()) return refuse_batch();
  const ClientPtr client = find_client(request, nullptr, *responder);
  if (client == nullptr) return;
  if (!has_batches(client->session->revision)) return refuse_batch();
  std::vector<RpcMessage> messages;
  size_t n_requests = 0;
  for (const json::value& value : batch) {
    auto read = read_rpc(value);
    if (const RpcRefusal* refusal = std::get_if<RpcRefusal>(&read))
      return refuse(*responder, 400, refusal->id, refusal->error);
    messages.push_back(std::move(std::get<RpcMessage>(read)));
    if (messages.back().kind == RpcMessage::Kind::kRequest) ++n_requests;
  }
  std::optional<mcp::BatchOutlet> answers;
  if (n_requests > 0) answers.emplace(new_stream(*client, responder), n_requests);
  for (RpcMessage& message : messages) {
    const bool is_request = message.kind == RpcMessage::Kind::kRequest;
    server_.take(client->session, std::move(message), is_request ? answers->for_one() : nullptr);
  }
  if (n_requests == 0) accept(*responder);
}

void McpHttp::open_session(const Request& request, const RpcMessage& initialize, const ResponderPtr& responder) {
  KeptAnswer answer;
  const auto session = server_.open_session(initialize, answer);
  if (session == nullptr) return responder->send(answer.status, "application/json", std::move(answer.text));
  auto client = std::make_shared<Client>();
  client->session = session;
  client->owner = request.client;
  client->last_used = Clock::now();
  client->standalone = std::make_shared<McpStream>("0", has_priming_events(session->revision), nullptr);
  session->set_standalone(client->standalone);
  {
    const std::lock_guard lock(mutex_);
    forget_idle_locked();
    clients_[session->id] = client;
  }
  responder->send(200, "application/json", std::move(answer.text), {{kSessionHeader, session->id}});
}

void McpHttp::forget_idle_locked() {
  const auto now = Clock::now();
  for (auto entry = clients_.begin(); entry != clients_.end();) {
    const bool is_idle = now - entry->second->last_used > limits_.idle;
    if (is_idle) entry->second->session->cancel_all();
    entry = is_idle ? clients_.erase(entry) : std::next(entry);
  }
  while (clients_.size() >= limits_.sessions) {
    const auto oldest = std::min_element(clients_.begin(), clients_.end(), [](const auto& a, const auto& b) {
      return a.second->last_used < b.second->last_used;
    });
    oldest->second->session->cancel_all();
    clients_.erase(oldest);
  }
}

McpHttp::ClientPtr McpHttp::find_client(const Request& request, const json::value& id, Responder& responder) {
  const std::string session(request.header("mcp-session-id"));
  if (session.empty()) {
    refuse(responder, 400, id,
           {kRpcInvalidRequest, fmt::format("expected Mcp-Session-Id, which the answer to 'initialize' gives, or "
                                            "'_meta' with a protocol version ({})",
                                            mcp::name_of(mcp::kNewest))});
    return nullptr;
  }
  const std::string_view named = request.header("mcp-protocol-version");
  if (const auto revision = mcp::revision_named(named); !named.empty() && (!revision || !has_handshake(*revision))) {
    refuse(responder, 400, id,
           {kRpcInvalidRequest, fmt::format("MCP-Protocol-Version '{}' is not known", named.substr(0, 40))});
    return nullptr;
  }
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(session);
  if (found == clients_.end() || found->second->owner != request.client) {
    refuse(responder, 404, id, {kRpcInvalidRequest, "no such session; it may have ended: begin a new one"});
    return nullptr;
  }
  found->second->last_used = Clock::now();
  return found->second;
}

std::shared_ptr<McpStream> McpHttp::new_stream(Client& client, ResponderPtr responder) {
  std::shared_ptr<McpStream> stream;
  {
    const std::lock_guard lock(mutex_);
    stream = std::make_shared<McpStream>(std::to_string(++client.n_streams),
                                         has_priming_events(client.session->revision), responder);
    client.streams.push_back(stream);
    auto n_ended = static_cast<size_t>(
        std::count_if(client.streams.begin(), client.streams.end(), [](const auto& one) { return one->has_ended(); }));
    client.streams.remove_if(
        [&](const auto& one) { return n_ended > limits_.ended_streams && one->has_ended() && n_ended-- > 0; });
  }
  stream->watch(stream);
  return stream;
}

void McpHttp::get(const Request& request, const ResponderPtr& responder) {
  if (request.header("mcp-session-id").empty())
    return refuse(*responder, 405, nullptr, {kRpcInvalidRequest, "GET listens to a session; send POST"});
  const ClientPtr client = find_client(request, nullptr, *responder);
  if (client == nullptr) return;
  const std::string last(request.header("last-event-id"));
  std::shared_ptr<McpStream> stream = client->standalone;
  int64_t after = -1;
  if (!last.empty()) {
    const size_t dash = last.find('-');
    const std::string id = last.substr(0, dash);
    if (dash != std::string::npos) std::from_chars(last.data() + dash + 1, last.data() + last.size(), after);
    const std::lock_guard lock(mutex_);
    for (const auto& one : client->streams)
      if (one->id() == id) stream = one;
    if (stream->id() != id) after = -1;
  }
  stream->attach(stream, responder, after);
}

void McpHttp::remove(const Request& request, const ResponderPtr& responder) {
  if (request.header("mcp-session-id").empty())
    return refuse(*responder, 405, nullptr, {kRpcInvalidRequest, "DELETE ends a session; there is none"});
  const ClientPtr client = find_client(request, nullptr, *responder);
  if (client == nullptr) return;
  {
    const std::lock_guard lock(mutex_);
    clients_.erase(client->session->id);
  }
  client->session->cancel_all();
  client->standalone->drop();
  responder->send(204, "application/json", "");
}

}  // namespace ondol::server
