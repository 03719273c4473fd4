// POST /api/chat and /api/generate: how an answer is written, in lines and whole.
#include <fmt/format.h>

#include "runtime/conversation.h"
#include "server/chat_messages.h"
#include "server/event_stream.h"
#include "server/iso_time.h"
#include "server/ollama.h"
#include "server/openai.h"
#include "server/openai_logprobs.h"

namespace ondol::server {
namespace {

constexpr ErrorStyle kStyle = ErrorStyle::kOllama;
using Clock = std::chrono::steady_clock;

int64_t nanoseconds_of(double seconds) {
  return static_cast<int64_t>(seconds * 1e9);
}

json::object heading(const std::string& model) {
  return {{"model", model}, {"created_at", iso_time_micros(std::chrono::system_clock::now())}};
}

class OllamaWriter final : public AnswerWriter {
 public:
  OllamaWriter(ResponderPtr responder, bool stream, bool is_chat)
      : responder_(std::move(responder)), stream_(stream), is_chat_(is_chat) {}

  void begin(const AnswerStart& start) override {
    model_ = start.model;
    begun_ = Clock::now();
    if (stream_) begin_json_lines(*responder_);
    has_begun_ = stream_;
  }

  void delta(int, const AnswerDelta& delta) override {
    using Kind = AnswerDelta::Kind;
    if (delta.kind == Kind::kContent) content_ += delta.text;
    if (delta.kind == Kind::kReasoning) thinking_ += delta.text;
    if (delta.kind == Kind::kCallBegin) call_ = {delta.id, delta.text, ""};
    if (delta.kind == Kind::kCallArguments) call_.arguments += delta.text;
    if (delta.kind == Kind::kCallEnd) end_call();
  }

  void token(int, const TokenReport& report) override { logprobs_.push_back(openai_logprob(report)); }

  void flush() override {
    if (!stream_ || (content_.empty() && thinking_.empty() && calls_.empty())) return;
    json::object line = take_piece();
    line["done"] = false;
    responder_->write(format_json_line(line));
  }

  void choice_end(int, FinishReason reason, const std::string&) override { reason_ = reason; }

  void end(const AnswerUsage& usage) override {
    flush();
    json::object last = take_piece();
    last["done"] = true;
    last["done_reason"] = reason_ == FinishReason::kLength ? "length" : "stop";
    last["total_duration"] = nanoseconds(Clock::now() - asked_);
    last["load_duration"] = nanoseconds(begun_ - asked_);
    last["prompt_eval_count"] = usage.n_prompt;
    last["prompt_eval_duration"] = nanoseconds_of(usage.prompt_seconds);
    last["eval_count"] = usage.n_generated;
    last["eval_duration"] = nanoseconds_of(usage.token_seconds);
    if (!stream_) return send_json(*responder_, last);
    responder_->write(format_json_line(last));
    responder_->end();
  }

  void fail(const HttpError& error) override {
    if (!has_begun_) return send_error(*responder_, kStyle, error);
    responder_->write(error_body(kStyle, error, {}) + "\n");
    responder_->end();
  }

 private:
  struct Call {
    std::string id;
    std::string name;
    std::string arguments;
  };

  void end_call() {
    if (!parse_json(call_.arguments)) return;  // the answer was cut off; half a call is none
    const json::value arguments = call_arguments(json::value(call_.arguments));
    json::object function = {{"index", n_calls_++}, {"name", call_.name}};
    function["arguments"] = arguments;
    calls_.push_back(json::object{{"id", call_.id}, {"function", std::move(function)}});
  }

  /// What has been told and not yet been written.
  json::object take_piece() {
    json::object piece = heading(model_);
    if (is_chat_) {
      json::object message = {{"role", "assistant"}, {"content", std::exchange(content_, {})}};
      if (!thinking_.empty()) message["thinking"] = std::exchange(thinking_, {});
      if (!calls_.empty()) message["tool_calls"] = std::exchange(calls_, {});
      piece["message"] = std::move(message);
    } else {
      piece["response"] = std::exchange(content_, {});
      if (!thinking_.empty()) piece["thinking"] = std::exchange(thinking_, {});
    }
    if (!logprobs_.empty()) piece["logprobs"] = std::exchange(logprobs_, {});
    return piece;
  }

  const ResponderPtr responder_;
  const bool stream_;
  const bool is_chat_;
  const Clock::time_point asked_ = Clock::now();
  Clock::time_point begun_ = asked_;
  bool has_begun_ = false;
  std::string model_;
  std::string content_;
  std::string thinking_;
  json::array calls_;
  json::array logprobs_;
  Call call_;
  int n_calls_ = 0;
  FinishReason reason_ = FinishReason::kStop;
};

/// A prompt that no template wraps, or a place to fill in.
std::optional<HttpError> prepare_raw(const LoadedModel& model, const OllamaChat& request, AnswerJob& job) {
  const Tokenizer& tokenizer = model.tokenizer();
  std::vector<TokenId> tokens;
  if (request.suffix.empty()) {
    tokens = raw_tokens(tokenizer, request.prompt);
  } else if (model.fill_in().exists()) {
    tokens = model.fill_in().prompt(tokenizer, request.prompt, request.suffix);
  } else {
    return make_error(400, fmt::format("suffix: the model '{}' was not taught to fill in", model.id()), "no_fill_in");
  }
  if (tokens.empty()) return make_error(400, "prompt: expected a text, got an empty one");
  const ChatRequest& chat = request.chat;
  auto grammar = content_grammar(chat.content);
  if (!grammar) return make_error(400, "format: " + grammar.error().message());
  job.grammar = *grammar;
  job.prompts = {std::move(tokens)};
  job.adapters = chat.adapters;
  job.sampler = chat.sampling.over(recommended_sampling(model.engine().file()));
  job.max_tokens = chat.max_tokens;
  job.stop = chat.stop;
  job.n_best = chat.n_best;
  job.client = chat.client;
  return {};
}

std::optional<HttpError> prepare(Services& services, const LoadedModel& model, const OllamaChat& request,
                                 AnswerJob& job) {
  if (auto error = settle_ollama_use(services, model, request.use)) return error;
  if (request.chat.reasoning.is_wanted.value_or(false) && !model.info().has_reasoning) {
    return make_error(400, fmt::format("think: the model '{}' does not support thinking", model.id()));
  }
  const bool is_generate = !request.prompt.empty() || !request.suffix.empty();
  if (is_generate && (request.is_raw || !request.suffix.empty() || !model.info().has_template)) {
    return prepare_raw(model, request, job);
  }
  return prepare_chat(model, request.chat, job);
}

/// Loads the model, or lets it go with keep_alive 0.
void only_load(Services& services, const OllamaUse& use, const ResponderPtr& responder, bool is_chat) {
  const auto asked = Clock::now();
  services.models->use(use.model, [&services, use, responder, is_chat, asked](ModelPool::Outcome outcome) {
    if (outcome.error) return send_error(*responder, kStyle, *outcome.error);
    services.workers.post([&services, use, responder, is_chat, asked, model = std::move(outcome.model)] {
      if (const auto error = settle_ollama_use(services, *model, use)) return send_error(*responder, kStyle, *error);
      json::object answer = heading(model->id());
      if (is_chat) {
        answer["message"] = {{"role", "assistant"}, {"content", ""}};
      } else {
        answer["response"] = "";
      }
      answer["done"] = true;
      answer["done_reason"] = use.keep_alive && use.keep_alive->count() == 0 ? "unload" : "load";
      const auto taken = nanoseconds(Clock::now() - asked);
      answer["total_duration"] = taken;
      answer["load_duration"] = taken;
      responder->send(200, "application/json", format_json_line(answer));
    });
  });
}

void handle(Services& services, const Request& request, const ResponderPtr& responder, const json::object& body,
            bool is_chat) {
  RequestFault fault;
  const Fields fields(body, fault);
  OllamaChat wanted = is_chat ? read_ollama_chat(services, fields) : read_ollama_generate(services, fields);
  if (fault) return send_error(*responder, kStyle, fault.error());
  if (wanted.only_loads) return only_load(services, wanted.use, responder, is_chat);
  wanted.chat.client = request.client;
  auto writer = std::make_shared<OllamaWriter>(responder, wanted.stream, is_chat);
  const std::string model = wanted.use.model;
  AnswerRun::start(
      services, model,
      [&services, wanted = std::move(wanted)](const LoadedModel& loaded, AnswerJob& job) {
        return prepare(services, loaded, wanted, job);
      },
      std::move(writer), responder);
}

}  // namespace

std::vector<Route> ollama_chat_routes(Services& services) {
  std::vector<Route> routes;
  const auto post = [&](const char* path, bool is_chat) {
    const auto handler = [&services, is_chat](const std::shared_ptr<const Request>& request,
                                              const ResponderPtr& responder, const json::object& body) {
      handle(services, *request, responder, body, is_chat);
    };
    routes.push_back({"POST", path, kStyle, true, json_handler(services, handler, kStyle)});
  };
  post("/api/chat", true);
  post("/api/generate", false);
  return routes;
}

}  // namespace ondol::server
