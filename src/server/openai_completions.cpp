// POST /v1/completions: texts continued as they stand, and filled in where a suffix is given; /infill as llama.cpp's
// server has it.
#include <ctime>

#include <fmt/format.h>

#include "runtime/conversation.h"
#include "server/adapters.h"
#include "server/event_writer.h"
#include "server/openai.h"
#include "server/openai_logprobs.h"
#include "server/random_id.h"
#include "server/sampling_fields.h"

namespace ondol::server {
namespace {

constexpr int64_t kManyTokens = int64_t{1} << 30;
constexpr size_t kMaxPrompts = 2048;

/// A prompt is a text or token ids.
struct Prompt {
  std::string text;
  std::vector<TokenId> tokens;
  bool is_tokens = false;
};

struct CompletionRequest {
  std::string model;
  std::vector<Prompt> prompts;
  std::optional<std::string> suffix;
  std::vector<FillIn::Extra> extra;  // other files, for fill-in
  bool fills_in = false;
  bool echo = false;
  bool stream = false;
  bool include_usage = false;
  AdapterChoices adapters;
  SamplingWish sampling;
  int max_tokens = 16;
  int n = 1;
  int n_best = -1;
  std::vector<std::string> stop;
  ContentFormat content;
  bool ignore_end = false;
  std::string client;
};

bool read_ids(const json::array& array, std::vector<TokenId>& ids) {
  for (const json::value& value : array) {
    boost::system::error_code code;
    const auto id = value.is_number() ? value.to_number<TokenId>(code) : kNoToken;
    if (code || id < 0) return false;
    ids.push_back(id);
  }
  return true;
}

/// A string, strings, ids, or arrays of ids.
void read_prompts(const Fields& fields, std::vector<Prompt>& prompts) {
  const json::value* value = fields.find("prompt");
  const auto wrong = [&] {
    fields.fail("prompt", "prompt: expected a string, an array of strings, or token ids (or an array of such arrays)");
  };
  if (value == nullptr || value->is_string()) {
    Prompt prompt;
    if (value != nullptr) prompt.text = std::string(value->get_string());
    return prompts.push_back(std::move(prompt));
  }
  if (!value->is_array() || value->get_array().empty()) return wrong();
  const json::array& array = value->get_array();
  if (array.size() > kMaxPrompts && !array[0].is_number()) {
    return fields.fail("prompt", fmt::format("prompt: expected at most {} prompts", kMaxPrompts));
  }
  if (array[0].is_number()) {
    Prompt prompt;
    prompt.is_tokens = true;
    if (!read_ids(array, prompt.tokens)) return wrong();
    return prompts.push_back(std::move(prompt));
  }
  for (const json::value& item : array) {
    Prompt prompt;
    if (item.is_string()) {
      prompt.text = std::string(item.get_string());
    } else if (item.is_array()) {
      prompt.is_tokens = true;
      if (!read_ids(item.get_array(), prompt.tokens)) return wrong();
    } else {
      return wrong();
    }
    prompts.push_back(std::move(prompt));
  }
}

void read_common(const Fields& fields, CompletionRequest& request) {
  request.model = fields.text("model").value_or("");
  request.stream = fields.flag("stream").value_or(false);
  request.adapters = read_adapter_choices(fields);
  request.sampling = read_sampling(fields);
  request.stop = fields.texts("stop");
  request.ignore_end = fields.flag("ignore_eos").value_or(false);
  request.content.parameter = "grammar";
  if (const auto grammar = fields.text("grammar"); grammar && !grammar->empty()) {
    request.content.kind = ContentFormat::Kind::kGrammar;
    request.content.source = *grammar;
  }
  if (const json::object* schema = fields.object("json_schema")) {
    request.content.kind = ContentFormat::Kind::kJsonSchema;
    request.content.schema = *schema;
    request.content.parameter = "json_schema";
  }
}

CompletionRequest read_completion(const Fields& fields) {
  CompletionRequest request;
  read_common(fields, request);
  read_prompts(fields, request.prompts);
  if (auto suffix = fields.text("suffix"); suffix && !suffix->empty()) request.suffix = std::move(suffix);
  request.fills_in = request.suffix.has_value();
  request.echo = fields.flag("echo").value_or(false);
  request.max_tokens = static_cast<int>(fields.integer("max_tokens", -1, kManyTokens).value_or(16));
  request.n = static_cast<int>(fields.integer("n", 1, 64).value_or(1));
  if (const auto best_of = fields.integer("best_of", 1, kManyTokens); best_of && *best_of != request.n) {
    fields.fail("best_of", "best_of: choosing among several answers is not offered; ask for n of them");
  }
  // In completions, the number itself asks for the probabilities.
  if (const auto n_best = fields.integer("logprobs", 0, 20)) request.n_best = static_cast<int>(*n_best);
  if (request.echo && request.n_best >= 0) {
    fields.fail("echo", "echo: probabilities of the prompt's own tokens are not offered; leave out echo or logprobs");
  }
  if (const json::object* options = fields.object("stream_options")) {
    request.include_usage = Fields(*options, fields.fault(), "stream_options").flag("include_usage").value_or(false);
  }
  return request;
}

CompletionRequest read_infill(const Fields& fields) {
  CompletionRequest request;
  read_common(fields, request);
  request.fills_in = true;
  Prompt prompt;
  prompt.text = fields.text("input_prefix").value_or("");
  prompt.text += fields.text("prompt").value_or("");  // what was typed behind the prefix
  request.prompts.push_back(std::move(prompt));
  request.suffix = fields.text("input_suffix").value_or("");
  request.max_tokens = static_cast<int>(fields.integer("n_predict", -1, kManyTokens).value_or(-1));
  if (const json::array* extra = fields.array("input_extra")) {
    for (size_t i = 0; i < extra->size(); ++i) {
      const std::string place = fmt::format("input_extra[{}]", i);
      const json::object* object = (*extra)[i].if_object();
      if (object == nullptr) {
        fields.fail(place, place + ": expected an object with filename and text");
        break;
      }
      const Fields file(*object, fields.fault(), place);
      request.extra.push_back({file.text("filename").value_or("file"), file.required_text("text")});
    }
  }
  return request;
}

HttpError at(std::string parameter, const std::string& message, const char* code = "") {
  HttpError error = make_error(400, message, code);
  error.parameter = std::move(parameter);
  return error;
}

std::optional<HttpError> prepare(const LoadedModel& model, const CompletionRequest& request, AnswerJob& job) {
  const Tokenizer& tokenizer = model.tokenizer();
  if (request.fills_in && !model.fill_in().exists()) {
    return at("suffix", fmt::format("the model '{}' was not taught to fill in: it has no tokens for that", model.id()),
              "no_fill_in");
  }
  for (const Prompt& prompt : request.prompts) {
    std::vector<TokenId> tokens = prompt.tokens;
    if (request.fills_in) {
      const std::string before = prompt.is_tokens ? tokenizer.decode(prompt.tokens, true) : prompt.text;
      tokens = model.fill_in().prompt(tokenizer, before, *request.suffix, request.extra);
    } else if (!prompt.is_tokens) {
      tokens = raw_tokens(tokenizer, prompt.text);
    }
    if (request.echo) job.echo.push_back(prompt.is_tokens ? tokenizer.decode(prompt.tokens, true) : prompt.text);
    // From nothing, a model begins where a text begins.
    if (tokens.empty() && tokenizer.bos() != kNoToken) tokens.push_back(tokenizer.bos());
    if (tokens.empty()) return at("prompt", "prompt: expected a text, got an empty one");
    for (const TokenId id : tokens) {
      if (id >= tokenizer.vocabulary_size()) return at("prompt", fmt::format("prompt: there is no token {}", id));
    }
    job.prompts.push_back(std::move(tokens));
  }
  auto grammar = content_grammar(request.content);
  if (!grammar) return at(request.content.parameter, grammar.error().message());
  job.grammar = *grammar;
  job.n = request.n;
  job.adapters = request.adapters;
  job.sampler = request.sampling.over(recommended_sampling(model.engine().file()));
  job.max_tokens = request.max_tokens;
  job.stop = request.stop;
  job.n_best = request.n_best;
  job.ignore_end = request.ignore_end;
  job.client = request.client;
  return {};
}

std::string_view reason_name(FinishReason reason) {
  return reason == FinishReason::kLength ? "length" : "stop";
}

/// {tokens, token_logprobs, top_logprobs, text_offset} of completions.
class CompletionLogprobs {
 public:
  void add(const TokenReport& report) {
    tokens_.push_back(json::value(shown_token(report.text)));
    logprobs_.push_back(report.logprob);
    json::object best;
    for (const auto& [text, value] : report.best) best.emplace(shown_token(text), value);
    best_.push_back(std::move(best));
    offsets_.push_back(offset_);
    offset_ += report.text.size();
  }
  json::value take() {
    json::object object = {{"tokens", std::move(tokens_)}, {"token_logprobs", std::move(logprobs_)}};
    object["top_logprobs"] = std::move(best_);
    object["text_offset"] = std::move(offsets_);
    tokens_ = logprobs_ = best_ = offsets_ = json::array();
    return object;
  }
  bool is_empty() const { return tokens_.empty(); }

 private:
  json::array tokens_, logprobs_, best_, offsets_;
  size_t offset_ = 0;
};

/// Writes completions, whole or streaming. /infill has a shape of its own.
class CompletionWriter final : public AnswerWriter {
 public:
  CompletionWriter(ResponderPtr responder, const CompletionRequest& request, bool is_infill)
      : responder_(std::move(responder)),
        events_(responder_),
        stream_(request.stream),
        include_usage_(request.include_usage),
        wants_logprobs_(request.n_best >= 0),
        is_infill_(is_infill) {
    choices_.resize(request.prompts.size() * static_cast<size_t>(request.n));
  }

  void waiting() override {
    if (stream_) events_.begin();
  }
  void begin(const AnswerStart& start) override {
    model_ = start.model;
    if (!stream_) return;
    events_.begin();
    for (size_t i = 0; i < choices_.size(); ++i) write_piece(static_cast<int>(i), nullptr);
    events_.flush();
  }
  void delta(int index, const AnswerDelta& delta) override {
    if (delta.kind == AnswerDelta::Kind::kContent) choice(index).text += delta.text;
    last_ = index;
  }
  void token(int index, const TokenReport& report) override {
    choice(index).logprobs.add(report);
    last_ = index;
  }
  void flush() override {
    if (!stream_) return;
    write_piece(last_, nullptr);
    events_.flush();
  }
  void choice_end(int index, FinishReason reason, const std::string& stop_text) override {
    choice(index).reason = reason;
    choice(index).stop_text = stop_text;
    if (stream_ && !is_infill_) write_piece(index, json::value(reason_name(reason)));
  }
  void end(const AnswerUsage& usage) override {
    if (is_infill_) return end_infill(usage);
    json::object last = heading();
    if (stream_) {
      if (include_usage_) {
        last["choices"] = json::array();
        last["usage"] = openai_usage(usage);
        last["timings"] = openai_timings(usage);
        events_.data(json_text(last));
      }
      events_.data("[DONE]");
      return events_.end();
    }
    json::array choices;
    for (size_t i = 0; i < choices_.size(); ++i) {
      choices.push_back(piece(static_cast<int>(i), json::value(reason_name(choices_[i].reason))));
    }
    last["choices"] = std::move(choices);
    last["usage"] = openai_usage(usage);
    last["timings"] = openai_timings(usage);
    send_json(*responder_, last);
  }
  void fail(const HttpError& error) override { events_.fail(ErrorStyle::kOpenAi, error); }

 private:
  struct Choice {
    std::string text;  // not yet written
    CompletionLogprobs logprobs;
    FinishReason reason = FinishReason::kStop;
    std::string stop_text;
  };

  Choice& choice(int index) { return choices_[static_cast<size_t>(index)]; }

  json::object heading() const {
    return {{"id", id_}, {"object", "text_completion"}, {"created", created_}, {"model", model_}};
  }

  json::object piece(int index, json::value reason) {
    json::object object = {{"text", std::exchange(choice(index).text, {})}, {"index", index}};
    object["logprobs"] = nullptr;
    if (wants_logprobs_) object["logprobs"] = choice(index).logprobs.take();
    object["finish_reason"] = std::move(reason);
    return object;
  }

  void write_piece(int index, json::value reason) {
    if (reason.is_null() && choice(index).text.empty() && choice(index).logprobs.is_empty()) return;
    if (is_infill_) {
      events_.data(json_text(json::object{{"content", std::exchange(choice(index).text, {})}, {"stop", false}}));
      return;
    }
    json::object object = heading();
    object["choices"] = json::array{piece(index, std::move(reason))};
    if (include_usage_) object["usage"] = nullptr;
    events_.data(json_text(object));
  }

  void end_infill(const AnswerUsage& usage) {
    Choice& only = choices_.front();
    json::object last = {{"content", only.text}, {"stop", true}, {"model", model_}};
    last["stop_type"] = only.reason == FinishReason::kLength     ? "limit"
                        : only.reason == FinishReason::kStopText ? "word"
                                                                 : "eos";
    last["stopping_word"] = only.stop_text;
    last["tokens_predicted"] = usage.n_generated;
    last["tokens_evaluated"] = usage.n_prompt;
    last["tokens_cached"] = usage.n_cached;
    last["timings"] = openai_timings(usage);
    if (!stream_) return send_json(*responder_, last);
    events_.data(json_text(last));
    events_.end();
  }

  ResponderPtr responder_;
  EventWriter events_;
  const bool stream_;
  const bool include_usage_;
  const bool wants_logprobs_;
  const bool is_infill_;
  const std::string id_ = random_id("cmpl-");
  const int64_t created_ = std::time(nullptr);
  std::string model_;
  std::vector<Choice> choices_;
  int last_ = 0;
};

void handle(Services& services, const Request& request, const ResponderPtr& responder, const json::object& body,
            bool is_infill) {
  RequestFault fault;
  const Fields fields(body, fault);
  CompletionRequest wanted = is_infill ? read_infill(fields) : read_completion(fields);
  if (fault) return send_error(*responder, ErrorStyle::kOpenAi, fault.error());
  wanted.client = request.client;
  const std::string model = wanted.model;
  auto writer = std::make_shared<CompletionWriter>(responder, wanted, is_infill);
  AnswerRun::start(
      services, model,
      [wanted = std::move(wanted)](const LoadedModel& loaded, AnswerJob& job) { return prepare(loaded, wanted, job); },
      std::move(writer), responder);
}

}  // namespace

std::vector<Route> openai_completion_routes(Services& services) {
  std::vector<Route> routes;
  const auto post = [&](const char* path, bool is_infill) {
    const auto handler = [&services, is_infill](const std::shared_ptr<const Request>& request,
                                                const ResponderPtr& responder, const json::object& body) {
      handle(services, *request, responder, body, is_infill);
    };
    routes.push_back({"POST", path, ErrorStyle::kOpenAi, true, json_handler(services, handler)});
  };
  post("/v1/completions", false);
  post("/infill", true);
  return routes;
}

}  // namespace ondol::server
