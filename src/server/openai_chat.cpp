// POST /v1/chat/completions: how an answer is written, streaming and whole; and /apply-template.
#include <ctime>
#include <map>

#include <fmt/format.h>

#include "server/event_writer.h"
#include "server/openai.h"
#include "server/openai_logprobs.h"
#include "server/random_id.h"

namespace ondol::server {
namespace {

std::string_view reason_name(FinishReason reason) {
  if (reason == FinishReason::kLength) return "length";
  return reason == FinishReason::kToolCalls ? "tool_calls" : "stop";
}

/// What all chunks of an answer, and the whole answer, say about it.
struct Heading {
  std::string id = random_id("chatcmpl-");
  int64_t created = std::time(nullptr);
  std::string model;

  json::object object(std::string_view kind) const {
    return {{"id", id}, {"object", kind}, {"created", created}, {"model", model}, {"system_fingerprint", "ondol"}};
  }
};

class ChatStream final : public AnswerWriter {
 public:
  ChatStream(ResponderPtr responder, const OpenAiChat& request)
      : events_(std::move(responder)), n_choices_(request.chat.n), include_usage_(request.include_usage) {
    heading_.model = request.chat.model;
  }

  void waiting() override { events_.begin(); }

  void begin(const AnswerStart& start) override {
    heading_.model = start.model;
    events_.begin();
    for (int i = 0; i < n_choices_; ++i) chunk(i, {{"role", "assistant"}, {"content", ""}}, nullptr);
    events_.flush();
  }

  void delta(int choice, const AnswerDelta& delta) override {
    using Kind = AnswerDelta::Kind;
    if (delta.kind == Kind::kContent) return chunk(choice, {{"content", delta.text}}, nullptr);
    if (delta.kind == Kind::kReasoning) return chunk(choice, {{"reasoning_content", delta.text}}, nullptr);
    if (delta.kind == Kind::kCallEnd) return;
    json::object call = {{"index", delta.call}};
    if (delta.kind == Kind::kCallBegin) {
      call["id"] = delta.id;
      call["type"] = "function";
      call["function"] = {{"name", delta.text}, {"arguments", ""}};
    } else {
      call["function"] = {{"arguments", delta.text}};
    }
    chunk(choice, {{"tool_calls", json::array{std::move(call)}}}, nullptr);
  }

  void token(int choice, const TokenReport& report) override {
    // Tokens whose text is held back come with the next text, or in a chunk of their own.
    logprobs_[choice].push_back(openai_logprob(report));
    if (!last_.empty() && last_choice_ == choice) attach_logprobs();
  }

  void flush() override {
    write_last();
    events_.flush();
  }

  void choice_end(int choice, FinishReason reason, const std::string&) override {
    write_last();
    chunk(choice, json::object(), reason_name(reason));
    attach_logprobs();
    write_last();
  }

  void end(const AnswerUsage& usage) override {
    if (include_usage_) {
      json::object last = heading_.object("chat.completion.chunk");
      last["choices"] = json::array();
      last["usage"] = openai_usage(usage);
      last["timings"] = openai_timings(usage);
      events_.data(json_text(last));
    }
    events_.data("[DONE]");
    events_.end();
  }

  void fail(const HttpError& error) override { events_.fail(ErrorStyle::kOpenAi, error); }

 private:
  /// Makes a chunk, which is written when nothing can be added to it any more.
  void chunk(int choice, json::object delta, json::value reason) {
    write_last();
    last_ = {{"index", choice}};
    last_["delta"] = std::move(delta);
    last_["logprobs"] = nullptr;
    last_["finish_reason"] = std::move(reason);
    last_choice_ = choice;
  }
  void chunk(int choice, json::object delta, std::string_view reason) {
    chunk(choice, std::move(delta), json::value(reason));
  }
  void chunk(int choice, json::object delta, std::nullptr_t) { chunk(choice, std::move(delta), json::value(nullptr)); }

  void attach_logprobs() {
    json::array& tokens = logprobs_[last_choice_];
    if (tokens.empty()) return;
    json::object logprobs;
    if (const json::object* already = last_["logprobs"].if_object()) {
      logprobs = *already;
      for (json::value& token : tokens) logprobs["content"].as_array().push_back(std::move(token));
    } else {
      logprobs = {{"content", std::move(tokens)}, {"refusal", nullptr}};
    }
    last_["logprobs"] = std::move(logprobs);
    tokens = json::array();
  }

  void write_last() {
    if (last_.empty()) return;
    json::object object = heading_.object("chat.completion.chunk");
    object["choices"] = json::array{std::move(last_)};
    last_ = json::object();
    if (include_usage_) object["usage"] = nullptr;
    events_.data(json_text(object));
  }

  EventWriter events_;
  Heading heading_;
  const int n_choices_;
  const bool include_usage_;
  json::object last_;
  int last_choice_ = 0;
  std::map<int, json::array> logprobs_;
};

class ChatWhole final : public AnswerWriter {
 public:
  ChatWhole(ResponderPtr responder, const OpenAiChat& request)
      : responder_(std::move(responder)),
        choices_(static_cast<size_t>(request.chat.n)),
        wants_logprobs_(request.chat.n_best >= 0) {}

  void begin(const AnswerStart& start) override { heading_.model = start.model; }

  void delta(int index, const AnswerDelta& delta) override {
    using Kind = AnswerDelta::Kind;
    Choice& choice = choices_[static_cast<size_t>(index)];
    if (delta.kind == Kind::kContent) choice.content += delta.text;
    if (delta.kind == Kind::kReasoning) choice.reasoning += delta.text;
    if (delta.kind == Kind::kCallBegin) choice.calls.push_back({delta.id, delta.text, ""});
    if (delta.kind == Kind::kCallArguments && !choice.calls.empty()) choice.calls.back().arguments += delta.text;
  }

  void token(int index, const TokenReport& report) override {
    choices_[static_cast<size_t>(index)].logprobs.push_back(openai_logprob(report));
  }

  void choice_end(int index, FinishReason reason, const std::string&) override {
    Choice& choice = choices_[static_cast<size_t>(index)];
    choice.reason = reason;
    // Where the answer was cut off. Half a call is none: nobody could read it, and nobody may act on it.
    if (!choice.calls.empty() && !parse_json(choice.calls.back().arguments)) choice.calls.pop_back();
  }

  void end(const AnswerUsage& usage) override {
    json::object answer = heading_.object("chat.completion");
    json::array choices;
    for (size_t i = 0; i < choices_.size(); ++i) choices.push_back(choice_object(i));
    answer["choices"] = std::move(choices);
    answer["usage"] = openai_usage(usage);
    answer["timings"] = openai_timings(usage);
    send_json(*responder_, answer);
  }

  void fail(const HttpError& error) override { send_error(*responder_, ErrorStyle::kOpenAi, error); }

 private:
  struct Call {
    std::string id;
    std::string name;
    std::string arguments;
  };
  struct Choice {
    std::string content;
    std::string reasoning;
    std::vector<Call> calls;
    json::array logprobs;
    FinishReason reason = FinishReason::kStop;
  };

  json::object choice_object(size_t index) const {
    const Choice& choice = choices_[index];
    json::object message = {{"role", "assistant"}};
    const bool only_calls = choice.content.empty() && !choice.calls.empty();
    message["content"] = only_calls ? json::value(nullptr) : json::value(choice.content);
    message["refusal"] = nullptr;
    if (!choice.reasoning.empty()) message["reasoning_content"] = choice.reasoning;
    if (!choice.calls.empty()) {
      json::array calls;
      for (const Call& call : choice.calls) {
        const json::object function = {{"name", call.name}, {"arguments", call.arguments}};
        calls.push_back(json::object{{"id", call.id}, {"type", "function"}, {"function", function}});
      }
      message["tool_calls"] = std::move(calls);
    }
    json::object object = {{"index", index}};
    object["message"] = std::move(message);
    object["logprobs"] = nullptr;
    if (wants_logprobs_) object["logprobs"] = {{"content", choice.logprobs}, {"refusal", nullptr}};
    object["finish_reason"] = reason_name(choice.reason);
    return object;
  }

  ResponderPtr responder_;
  Heading heading_;
  std::vector<Choice> choices_;
  const bool wants_logprobs_;
};

void handle_chat(Services& services, const Request& request, const ResponderPtr& responder, const json::object& body) {
  RequestFault fault;
  OpenAiChat chat = read_openai_chat(Fields(body, fault));
  if (fault) return send_error(*responder, ErrorStyle::kOpenAi, fault.error());
  chat.chat.client = request.client;
  std::shared_ptr<AnswerWriter> writer;
  if (chat.stream) {
    writer = std::make_shared<ChatStream>(responder, chat);
  } else {
    writer = std::make_shared<ChatWhole>(responder, chat);
  }
  start_chat(services, std::move(chat.chat), std::move(writer), responder);
}

void handle_template(Services& services, const Request&, const ResponderPtr& responder, const json::object& body) {
  RequestFault fault;
  OpenAiChat chat = read_openai_chat(Fields(body, fault));
  if (fault) return send_error(*responder, ErrorStyle::kOpenAi, fault.error());
  const std::string model = chat.chat.model;
  services.models->use(model, [&services, responder, request = std::move(chat.chat)](ModelPool::Outcome outcome) {
    if (outcome.error) return send_error(*responder, ErrorStyle::kOpenAi, *outcome.error);
    services.workers.post([responder, request, model = std::move(outcome.model)] {
      ChatPrompt prompt;
      if (const auto error = make_chat_prompt(*model, request, prompt)) {
        return send_error(*responder, ErrorStyle::kOpenAi, *error);
      }
      send_json(*responder, json::object{{"prompt", prompt.text + prompt.prefill}});
    });
  });
}

}  // namespace

std::vector<Route> openai_chat_routes(Services& services) {
  std::vector<Route> routes;
  const auto post = [&](const char* path, auto handle) {
    const auto handler = [&services, handle](const std::shared_ptr<const Request>& request,
                                             const ResponderPtr& responder,
                                             const json::object& body) { handle(services, *request, responder, body); };
    routes.push_back({"POST", path, ErrorStyle::kOpenAi, true, json_handler(services, handler)});
  };
  post("/v1/chat/completions", handle_chat);
  post("/chat/completions", handle_chat);
  post("/apply-template", handle_template);
  return routes;
}

}  // namespace ondol::server
