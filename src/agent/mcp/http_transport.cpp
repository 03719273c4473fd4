#include "agent/mcp/http_transport.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "net/event_stream_reader.h"
#include "net/http_client.h"
#include "text/unicode.h"

namespace ondol::mcp {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxBodyBytes = size_t{64} << 20;
constexpr int64_t kMostMs = 24 * 3600 * 1000;
constexpr int64_t kUsualRetryMs = 1000;
constexpr int64_t kMostRetryMs = 30'000;
constexpr int kMostReconnections = 1000;

/// What one HTTP answer brought.
struct Arrival {
  std::optional<RpcMessage> response;  // to the request that is waited for
  bool is_stream = false;
  std::string last_event_id;
  std::optional<int64_t> retry_ms;
  std::optional<Error> error;
};

class HttpTransport : public Transport {
 public:
  explicit HttpTransport(ServerUrl server) : server_(std::move(server)) {}
  ~HttpTransport() override { HttpTransport::close(); }

  Result<Response> exchange(const json::object& request, const std::vector<MirroredArgument>& mirrored,
                            const Patience& patience, const Listener& listener) override {
    HttpRequest post = post_of(request);
    const json::value* params = request.if_contains("params");
    const json::object none;
    const std::string method = string_or(request, "method", "");
    for (const auto& [name, value] :
         request_headers(method, params != nullptr && params->is_object() ? params->get_object() : none, mirrored))
      post.headers.push_back(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
    Arrival arrival;
    HttpReply reply = send(post, request.at("id"), patience, listener, arrival);
    for (int n = 0; !arrival.response && can_resume(arrival, reply, patience) && n < kMostReconnections; ++n) {
      wait(std::min(arrival.retry_ms.value_or(kUsualRetryMs), kMostRetryMs), patience);
      HttpRequest get{server_.url, common_headers(), false, "GET", ""};
      get.headers.emplace_back("Accept: text/event-stream");
      get.headers.push_back("Last-Event-ID: " + arrival.last_event_id);
      const auto begun = Clock::now();
      reply = send(get, request.at("id"), patience, listener, arrival);
      if (reply.status != 200) break;
      // A server that hangs up at once, again and again, is asked less and less often.
      if (Clock::now() - begun < std::chrono::milliseconds(100)) wait(std::min(100 * n, 5000), patience);
    }
    if (session_.empty() && method == "initialize") session_ = reply.header("mcp-session-id");
    if (arrival.response) return Response{std::move(*arrival.response), reply.status};
    return failure(request, method, reply, arrival, patience);
  }

  Result<void> notify(const json::object& notification) override {
    HttpRequest post = post_of(notification);
    post.headers.push_back("Mcp-Method: " + string_or(notification, "method", ""));
    return post_quietly(post);
  }

  void listen(Listener listener) override {
    if (!has_handshake(revision_) || listening_.joinable()) return;
    is_closing_ = false;
    is_heard_ = false;
    listening_ = std::thread([this, listener = std::move(listener)] {
      hear(listener);
      is_heard_ = true;
    });
    // Servers have been seen to drop what they say before somebody listens.
    for (int i = 0; i < 200 && !is_heard_; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

  void set_revision(Revision revision) override { revision_ = revision; }
  bool needs_mirrored_arguments() const override { return !has_handshake(revision_); }
  std::string name() const override { return server_.name; }

  void close() override {
    is_closing_ = true;
    if (!session_.empty()) {
      HttpClient client({.connect_timeout_ms = 2000,
                         .stall_timeout_ms = 2000,
                         .total_timeout_ms = 3000,
                         .may_reach = server_.may_reach});
      (void)client.send({server_.url, common_headers(), false, "DELETE", ""});
    }
    if (listening_.joinable()) listening_.join();
    session_.clear();
  }

 private:
  std::vector<std::string> common_headers() const {
    std::vector<std::string> headers = server_.headers;
    headers.push_back(fmt::format("MCP-Protocol-Version: {}", name_of(revision_)));
    if (!session_.empty()) headers.push_back("Mcp-Session-Id: " + session_);
    return headers;
  }

  HttpRequest post_of(const json::object& message) const {
    HttpRequest post{server_.url, common_headers(), false, "POST", json_text(message)};
    // The revision is only now agreed on.
    if (string_or(message, "method", "") == "initialize")
      std::erase_if(post.headers, [](const auto& header) { return header.starts_with("MCP-Protocol-Version:"); });
    post.headers.emplace_back("Content-Type: application/json");
    post.headers.emplace_back("Accept: application/json, text/event-stream");
    return post;
  }

  // The stream of what belongs to no request, as long as the server keeps one.
  void hear(const Listener& listener) {
    const Patience patience{Clock::time_point::max(), [this] { return !is_closing_; }};
    Arrival arrival;
    for (int n = 0; n < kMostReconnections && !is_closing_; ++n) {
      HttpRequest get{server_.url, common_headers(), false, "GET", ""};
      get.headers.emplace_back("Accept: text/event-stream");
      if (!arrival.last_event_id.empty()) get.headers.push_back("Last-Event-ID: " + arrival.last_event_id);
      const HttpReply reply = send(get, nullptr, patience, listener, arrival, [this] { is_heard_ = true; });
      if (reply.status != 200 || !arrival.is_stream) return;
      arrival.response.reset();
      wait(std::min(arrival.retry_ms.value_or(kUsualRetryMs), kMostRetryMs), patience);
    }
  }

  Result<void> post_quietly(const HttpRequest& post) {
    HttpClient client({.connect_timeout_ms = 10'000,
                       .stall_timeout_ms = 30'000,
                       .total_timeout_ms = 30'000,
                       .may_reach = server_.may_reach});
    const HttpReply reply = client.send(post, nullptr, kMaxBodyBytes);
    if (!reply.complete()) return Error(fmt::format("{}: {}", server_.name, reply.transport_error));
    if (reply.status >= 400) return Error(fmt::format("{}: HTTP status {}", server_.name, reply.status));
    return {};
  }

  // One message that came. Returns false when the one that is waited for is there.
  bool take(std::string_view text, const json::value& id, const Listener& listener, Arrival& arrival) {
    const auto value = parse_json(text);
    if (!value) {
      arrival.error = Error(fmt::format("{}: {}", server_.name, value.error().message()));
      return false;
    }
    const json::array one{*value};
    for (const json::value& item : value->is_array() ? value->get_array() : one) {
      auto read = read_rpc(item);
      RpcMessage* message = std::get_if<RpcMessage>(&read);
      if (message == nullptr) continue;
      const bool is_response = message->kind == RpcMessage::Kind::kResult || message->kind == RpcMessage::Kind::kError;
      // Errors of requests that could not be read have no id.
      if (is_response && (message->id == id || message->id.is_null())) {
        arrival.response = std::move(*message);
      } else if (!is_response) {
        const std::lock_guard lock(listener_mutex_);
        if (const auto answer = listener(*message)) (void)post_quietly(post_of(*answer));
      }
    }
    return !arrival.response;
  }

  HttpReply send(const HttpRequest& request, const json::value& id, const Patience& patience, const Listener& listener,
                 Arrival& arrival, const std::function<void()>& on_begin = {}) {
    std::string body;
    EventStreamReader events(kMaxBodyBytes);
    arrival.is_stream = false;
    HttpSink sink;
    sink.begin = [&](const HttpReply& reply) {
      arrival.is_stream = reply.header("content-type").starts_with("text/event-stream");
      if (on_begin) on_begin();
      return !patience.is_over();
    };
    sink.data = [&](std::span<const char> bytes) {
      if (patience.is_over()) return false;
      if (!arrival.is_stream) {
        body.append(bytes.data(), bytes.size());
        return body.size() <= kMaxBodyBytes;
      }
      for (const ServerEvent& event : events.push({bytes.data(), bytes.size()})) {
        const bool is_message = event.name.empty() || event.name == "message";
        if (is_message && !event.data.empty() && !take(event.data, id, listener, arrival)) return false;
      }
      return !events.is_too_large();
    };
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(patience.last_moment - Clock::now());
    const int left_ms = static_cast<int>(std::clamp<int64_t>(left.count(), 1, kMostMs));
    HttpClient client({.connect_timeout_ms = std::min(left_ms, 15'000),
                       .stall_timeout_ms = left_ms,
                       .total_timeout_ms = left_ms,
                       .goes_on = patience.goes_on,
                       .may_reach = server_.may_reach});
    HttpReply reply = client.send(request, &sink);
    if (!events.last_id().empty()) arrival.last_event_id = events.last_id();
    if (events.retry_ms()) arrival.retry_ms = events.retry_ms();
    if (!arrival.is_stream && !body.empty()) {
      if (reply.status >= 400) arrival.error.reset();
      (void)take(body, id, listener, arrival);
      reply.body = std::move(body);
    }
    return reply;
  }

  bool can_resume(const Arrival& arrival, const HttpReply& reply, const Patience& patience) const {
    return has_handshake(revision_) && arrival.is_stream && reply.status == 200 && !arrival.last_event_id.empty() &&
           !arrival.error && !patience.is_over();
  }

  static void wait(int64_t milliseconds, const Patience& patience) {
    const auto until = Clock::now() + std::chrono::milliseconds(milliseconds);
    while (Clock::now() < until && !patience.is_over()) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
      std::this_thread::sleep_for(std::min(left, std::chrono::milliseconds(50)));
    }
  }

  Result<Response> failure(const json::object& request, const std::string& method, const HttpReply& reply,
                           const Arrival& arrival, const Patience& patience) {
    if (patience.goes_on != nullptr && !patience.goes_on()) {
      cancel(request);
      return Error(fmt::format("{}: stopped", server_.name));
    }
    if (Clock::now() > patience.last_moment) {
      cancel(request);
      return Error(fmt::format("{}: no answer to '{}' in time", server_.name, method));
    }
    if (reply.status >= 300) {
      Response response;
      response.http_status = reply.status;
      response.is_of_protocol = false;
      response.message.kind = RpcMessage::Kind::kError;
      response.message.error.message =
          fmt::format("{}: HTTP status {}: {}", method, reply.status, replace_invalid_utf8(reply.body.substr(0, 200)));
      return response;
    }
    if (arrival.error) return *arrival.error;
    if (!reply.transport_error.empty()) return Error(fmt::format("{}: {}", server_.name, reply.transport_error));
    return Error(fmt::format("{}: the answer to '{}' ended before it was whole", server_.name, method));
  }

  // Without sessions, hanging up says it.
  void cancel(const json::object& request) {
    if (session_.empty() || string_or(request, "method", "") == "initialize") return;
    (void)notify(rpc_notification("notifications/cancelled", {{"requestId", request.at("id")}}));
  }

  const ServerUrl server_;
  Revision revision_ = kNewest;
  std::string session_;
  std::mutex listener_mutex_;
  std::atomic<bool> is_closing_ = false;
  std::atomic<bool> is_heard_ = false;
  std::thread listening_;
};

}  // namespace

Result<std::unique_ptr<Transport>> open_url(const ServerUrl& server) {
  if (!server.url.starts_with("http://") && !server.url.starts_with("https://"))
    return Error(fmt::format("{}: expected an http or https URL, got '{}'", server.name, server.url.substr(0, 200)));
  return std::unique_ptr<Transport>(std::make_unique<HttpTransport>(server));
}

}  // namespace ondol::mcp
