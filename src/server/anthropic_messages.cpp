// POST /v1/messages and /v1/messages/count_tokens: how an answer is written, streaming and whole.
#include "server/anthropic.h"
#include "server/anthropic_blocks.h"
#include "server/event_writer.h"
#include "server/openai.h"
#include "server/random_id.h"

namespace ondol::server {
namespace {

constexpr ErrorStyle kStyle = ErrorStyle::kAnthropic;

/// Anthropic's SDKs show this header's value with errors.
Headers request_id_header(const Responder& responder) {
  return {{"request-id", std::string(responder.request_id())}};
}

void fail_with(Responder& responder, HttpError error) {
  for (auto& header : request_id_header(responder)) error.headers.push_back(std::move(header));
  send_error(responder, kStyle, error);
}

void send(Responder& responder, const json::object& document) {
  responder.send(200, "application/json", json::serialize(document), request_id_header(responder));
}

std::string_view reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "end_turn";
    case FinishReason::kStopText:
      return "stop_sequence";
    case FinishReason::kLength:
      return "max_tokens";
    case FinishReason::kToolCalls:
      return "tool_use";
  }
  return "end_turn";
}

/// Why an answer ended, as the whole answer and its last events say it.
struct Ending {
  FinishReason reason = FinishReason::kStop;
  std::string stop_text;

  void write_to(json::object& object) const {
    object["stop_reason"] = reason_name(reason);
    object["stop_sequence"] = reason == FinishReason::kStopText ? json::value(stop_text) : json::value(nullptr);
  }
};

json::object make_message(const std::string& model, const std::vector<std::string>& ignored_tools) {
  json::object message = {{"id", random_id("msg_")}, {"type", "message"}, {"role", "assistant"}, {"model", model}};
  message["content"] = json::array();
  message["stop_reason"] = nullptr;
  message["stop_sequence"] = nullptr;
  if (!ignored_tools.empty()) message["ondol"] = {{"ignored_tools", json::value_from(ignored_tools)}};
  return message;
}

class MessageStream final : public AnswerWriter {
 public:
  MessageStream(const ResponderPtr& responder, std::vector<std::string> ignored_tools)
      : events_(responder, request_id_header(*responder)),
        headers_(request_id_header(*responder)),
        ignored_tools_(std::move(ignored_tools)) {}

  void waiting() override { events_.begin(); }

  void begin(const AnswerStart& start) override {
    AnswerUsage usage;
    usage.n_prompt = start.n_prompt;
    json::object message = make_message(start.model, ignored_tools_);
    message["usage"] = anthropic_usage(usage);
    event("message_start", {{"message", std::move(message)}});
    event("ping", {});
    events_.flush();
  }

  void delta(int, const AnswerDelta& delta) override { write(blocks_.push(delta)); }
  void flush() override { events_.flush(); }

  void choice_end(int, FinishReason reason, const std::string& stop_text) override {
    write(blocks_.finish());
    ending_ = {reason, stop_text};
  }

  void end(const AnswerUsage& usage) override {
    json::object delta;
    ending_.write_to(delta);
    event("message_delta", {{"delta", std::move(delta)}, {"usage", anthropic_usage(usage)}});
    event("message_stop", {});
    events_.end();
  }

  void fail(const HttpError& error) override {
    HttpError named = error;
    named.headers.insert(named.headers.end(), headers_.begin(), headers_.end());
    events_.fail(kStyle, named, "error");
  }

 private:
  void event(std::string_view type, json::object members) {
    json::object object = {{"type", type}};
    for (auto& [key, value] : members) object[key] = std::move(value);
    events_.event(type, json::serialize(object));
  }

  void write(std::vector<AnthropicBlocks::Step> steps) {
    using Kind = AnthropicBlocks::Step::Kind;
    for (auto& step : steps) {
      if (step.kind == Kind::kStart) {
        event("content_block_start", {{"index", step.index}, {"content_block", std::move(step.what)}});
      } else if (step.kind == Kind::kDelta) {
        event("content_block_delta", {{"index", step.index}, {"delta", std::move(step.what)}});
      } else {
        event("content_block_stop", {{"index", step.index}});
      }
    }
  }

  EventWriter events_;
  const Headers headers_;
  const std::vector<std::string> ignored_tools_;
  AnthropicBlocks blocks_;
  Ending ending_;
};

class MessageWhole final : public AnswerWriter {
 public:
  MessageWhole(ResponderPtr responder, std::vector<std::string> ignored_tools)
      : responder_(std::move(responder)), ignored_tools_(std::move(ignored_tools)) {}

  void begin(const AnswerStart& start) override { model_ = start.model; }
  void delta(int, const AnswerDelta& delta) override { content_.apply(blocks_.push(delta)); }
  void choice_end(int, FinishReason reason, const std::string& stop_text) override {
    content_.apply(blocks_.finish());
    ending_ = {reason, stop_text};
  }
  void end(const AnswerUsage& usage) override {
    json::object message = make_message(model_, ignored_tools_);
    message["content"] = content_.take();
    ending_.write_to(message);
    message["usage"] = anthropic_usage(usage);
    send(*responder_, message);
  }
  void fail(const HttpError& error) override { fail_with(*responder_, error); }

 private:
  ResponderPtr responder_;
  const std::vector<std::string> ignored_tools_;
  std::string model_;
  AnthropicBlocks blocks_;
  AnthropicContent content_;
  Ending ending_;
};

void handle_messages(Services& services, const Request& request, const ResponderPtr& responder,
                     const json::object& body) {
  RequestFault fault;
  AnthropicChat chat = read_anthropic_chat(Fields(body, fault), true);
  if (fault) return fail_with(*responder, fault.error());
  chat.chat.model = services.models->name_or_only_model(chat.chat.model);
  chat.chat.client = request.client;
  std::shared_ptr<AnswerWriter> writer;
  if (chat.stream) {
    writer = std::make_shared<MessageStream>(responder, std::move(chat.ignored_tools));
  } else {
    writer = std::make_shared<MessageWhole>(responder, std::move(chat.ignored_tools));
  }
  start_chat(services, std::move(chat.chat), std::move(writer), responder);
}

void handle_count(Services& services, const Request&, const ResponderPtr& responder, const json::object& body) {
  RequestFault fault;
  AnthropicChat chat = read_anthropic_chat(Fields(body, fault), false);
  if (fault) return fail_with(*responder, fault.error());
  const std::string model = services.models->name_or_only_model(chat.chat.model);
  services.models->use(model, [&services, responder, request = std::move(chat.chat)](ModelPool::Outcome outcome) {
    if (outcome.error) return fail_with(*responder, *outcome.error);
    services.workers.post([responder, request, model = std::move(outcome.model)] {
      ChatPrompt prompt;
      if (const auto error = make_chat_prompt(*model, request, prompt)) return fail_with(*responder, *error);
      send(*responder, {{"input_tokens", prompt.tokens.size()}});
    });
  });
}

}  // namespace

json::object anthropic_usage(const AnswerUsage& usage) {
  return {{"input_tokens", usage.n_prompt - usage.n_cached},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", usage.n_cached},
          {"output_tokens", usage.n_generated}};
}

std::vector<Route> anthropic_routes(Services& services) {
  std::vector<Route> routes;
  const auto post = [&](const char* path, auto handle) {
    const auto handler = [&services, handle](const std::shared_ptr<const Request>& request,
                                             const ResponderPtr& responder,
                                             const json::object& body) { handle(services, *request, responder, body); };
    routes.push_back({"POST", path, kStyle, true, json_handler(services, handler, kStyle)});
  };
  post("/v1/messages", handle_messages);
  post("/v1/messages/count_tokens", handle_count);
  return routes;
}

}  // namespace ondol::server
