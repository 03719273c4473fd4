#include "server/responses_request.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "server/adapters.h"
#include "server/sampling_fields.h"

namespace ondol::server {
namespace {

constexpr int64_t kManyTokens = int64_t{1} << 30;
constexpr int64_t kMaxTopLogprobs = 20;
constexpr double kAnyNumber = std::numeric_limits<double>::max();
constexpr double kEchoPrecision = 1e6;  // of numbers that are floats inside
constexpr int kMostSearches = 8;
constexpr int kMostCalls = 32;
constexpr size_t kMaxStops = 64;
constexpr size_t kMaxMetadata = 16;
constexpr size_t kMaxMetadataKey = 64;
constexpr size_t kMaxMetadataText = 512;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

/// One of the names, or the default.
std::string choice_of(const Fields& fields, std::string_view key, std::string_view fallback,
                      std::initializer_list<std::string_view> names) {
  std::string text = fields.text(key).value_or(std::string(fallback));
  if (text != fallback && !is_one_of(text, names)) {
    std::string list;
    for (const std::string_view name : names) list += fmt::format("{}{}", list.empty() ? "" : ", ", name);
    fields.fail(key, fmt::format("{}: expected one of {}, got '{}'", fields.path_of(key), list, text));
  }
  return text;
}

void read_text(const Fields& body, ResponseRequest& request) {
  json::object echo = {{"format", {{"type", "text"}}}};
  const json::object* object = body.object("text");
  if (object == nullptr) {
    request.echo["text"] = std::move(echo);
    return;
  }
  const Fields text(*object, body.fault(), "text");
  if (text.has("verbosity")) {
    echo["verbosity"] = choice_of(text, "verbosity", "medium", {"low", "medium", "high"});
  }
  ContentFormat& content = request.chat.content;
  content.parameter = "text.format";
  if (const json::object* given = text.object("format")) {
    const Fields format(*given, body.fault(), "text.format");
    const std::string type = choice_of(format, "type", "text", {"text", "json_object", "json_schema"});
    if (type == "json_object") content.kind = ContentFormat::Kind::kJsonObject;
    if (type == "json_schema") {
      content.kind = ContentFormat::Kind::kJsonSchema;
      content.parameter = "text.format.schema";
      content.strict = format.flag("strict").value_or(false);
      const json::object* schema = format.object("schema");
      if (schema == nullptr)
        format.fail("schema", "text.format.schema: expected an object, got nothing");
      else
        content.schema = *schema;
    }
    echo["format"] = *given;
  }
  request.echo["text"] = std::move(echo);
}

void read_reasoning(const Fields& body, ResponseRequest& request) {
  json::object echo = {{"effort", nullptr}, {"summary", nullptr}};
  if (const json::object* object = body.object("reasoning")) {
    const Fields reasoning(*object, body.fault(), "reasoning");
    request.chat.reasoning.effort =
        choice_of(reasoning, "effort", "", {"none", "minimal", "low", "medium", "high", "xhigh"});
    // The older name came first.
    const char* key = reasoning.has("summary") ? "summary" : "generate_summary";
    const std::string summary = choice_of(reasoning, key, "", {"auto", "concise", "detailed", "none"});
    request.wants_summary = !summary.empty() && summary != "none";
    if (!request.chat.reasoning.effort.empty()) echo["effort"] = request.chat.reasoning.effort;
    if (!summary.empty()) echo["summary"] = summary;
  }
  request.echo["reasoning"] = std::move(echo);
}

void read_logprobs(const Fields& body, ResponseRequest& request) {
  const int64_t top = body.integer("top_logprobs", 0, kMaxTopLogprobs).value_or(0);
  request.echo["top_logprobs"] = top;
  if (top > 0) request.chat.n_best = static_cast<int>(top);
  for (const std::string& what : body.texts("include")) {
    if (what == "file_search_call.results") request.wants_results = true;
    if (what == "code_interpreter_call.outputs") request.wants_outputs = true;
    if (what == "message.output_text.logprobs") request.chat.n_best = std::max(0, static_cast<int>(top));
    static constexpr std::string_view kKnown[] = {"message.output_text.logprobs",
                                                  "reasoning.encrypted_content",
                                                  "file_search_call.results",
                                                  "web_search_call.results",
                                                  "web_search_call.action.sources",
                                                  "message.input_image.image_url",
                                                  "computer_call_output.output.image_url",
                                                  "code_interpreter_call.outputs"};
    if (std::find(std::begin(kKnown), std::end(kKnown), what) == std::end(kKnown))
      body.fail("include", fmt::format("include: '{}' is not known", what));
  }
}

void read_metadata(const Fields& body, ResponseRequest& request) {
  request.echo["metadata"] = json::object();
  const json::object* metadata = body.object("metadata");
  if (metadata == nullptr) return;
  if (metadata->size() > kMaxMetadata) {
    body.fail("metadata", fmt::format("metadata: expected at most {} pairs, got {}", kMaxMetadata, metadata->size()));
  }
  for (const auto& [key, value] : *metadata) {
    const bool fits =
        value.is_string() && value.get_string().size() <= kMaxMetadataText && key.size() <= kMaxMetadataKey;
    if (!fits) {
      body.fail("metadata", fmt::format("metadata: expected strings of at most {} bytes under keys of at most {}",
                                        kMaxMetadataText, kMaxMetadataKey));
    }
  }
  request.echo["metadata"] = *metadata;
}

void read_sampler(const Fields& body, ResponseRequest& request) {
  request.chat.adapters = read_adapter_choices(body);
  request.chat.sampling = read_sampling(body);
  const SamplerOptions sampler = request.chat.sampling.over({});
  const auto echo = [&](const char* key, float used) {
    const auto given = body.number(key, -kAnyNumber, kAnyNumber);
    request.echo[key] = given ? *given : std::round(double{used} * kEchoPrecision) / kEchoPrecision;
  };
  echo("temperature", sampler.temperature);
  echo("top_p", sampler.top_p);
  echo("presence_penalty", sampler.presence_penalty);
  echo("frequency_penalty", sampler.frequency_penalty);
  const auto tokens = body.integer("max_output_tokens", 1, kManyTokens);
  request.chat.max_tokens = static_cast<int>(tokens.value_or(-1));
  request.echo["max_output_tokens"] = tokens ? json::value(*tokens) : json::value(nullptr);
  request.chat.ignore_end = body.flag("ignore_eos").value_or(false);
  request.chat.stop = body.texts("stop");
  if (request.chat.stop.size() > kMaxStops)
    body.fail("stop", fmt::format("stop: expected at most {} texts", kMaxStops));
  const auto calls = body.integer("max_tool_calls", 1, kManyTokens);  // of those that run here
  const int most = request.tools.has_programs() ? kMostCalls : kMostSearches;
  request.most_calls = static_cast<int>(std::min<int64_t>(calls.value_or(most), most));
  request.echo["max_tool_calls"] = calls ? json::value(*calls) : json::value(nullptr);
}

void refuse_what_is_not_here(const Fields& body) {
  const auto refuse = [&](const char* key, const char* what) {
    if (body.has(key)) body.fail(key, fmt::format("{}: {}", key, what), "unsupported_parameter");
  };
  refuse("conversation", "conversations are not kept; continue a response with previous_response_id");
  refuse("prompt", "prompts are not kept here; send instructions and input");
  refuse("messages", "the Responses API takes input; messages belong to /v1/chat/completions");
  refuse("context_management", "it is not done here; truncation: \"auto\" drops the oldest items");
}

void read_echoes(const Fields& body, ResponseRequest& request) {
  for (const char* key : {"instructions", "previous_response_id", "prompt_cache_key", "prompt_cache_retention",
                          "safety_identifier", "user"}) {
    const auto text = body.text(key);
    request.echo[key] = text ? json::value(*text) : json::value(nullptr);
  }
  const std::string tier = body.text("service_tier").value_or("auto");
  request.echo["service_tier"] = tier == "auto" ? "default" : tier;
  const json::value* choice = body.find("tool_choice");
  request.echo["tool_choice"] = choice == nullptr ? json::value("auto") : *choice;
  request.echo["tools"] = request.tools.echo;
  request.echo["parallel_tool_calls"] = request.chat.parallel_calls;
  request.echo["truncation"] = request.truncates ? "auto" : "disabled";
  request.echo["store"] = request.stores;
  request.echo["background"] = request.in_background;
}

}  // namespace

ResponseRequest read_response_request(const Fields& body, const FindItem& find, const OfferedTools& offered) {
  ResponseRequest request;
  refuse_what_is_not_here(body);
  request.chat.model = body.text("model").value_or("");
  request.instructions = body.text("instructions").value_or("");
  request.previous_id = body.text("previous_response_id").value_or("");
  request.input = read_response_input(body, find);
  if (request.input.empty() && request.previous_id.empty() && request.instructions.empty()) {
    body.fail("input", "input: expected a string or an array of items, got nothing");
  }
  request.tools = read_response_tools(body, request.chat, offered);
  read_text(body, request);
  read_reasoning(body, request);
  read_logprobs(body, request);
  read_metadata(body, request);
  read_sampler(body, request);
  request.stores = body.flag("store").value_or(true);
  request.streams = body.flag("stream").value_or(false);
  request.in_background = body.flag("background").value_or(false);
  request.truncates = choice_of(body, "truncation", "disabled", {"auto", "disabled"}) == "auto";
  if (request.in_background && !request.stores) {
    body.fail("background", "background: a response that is not stored (\"store\": false) could not be fetched");
  }
  read_echoes(body, request);
  return request;
}

}  // namespace ondol::server
