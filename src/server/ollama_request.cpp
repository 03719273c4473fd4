// The bodies of Ollama's requests.
#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "server/adapters.h"
#include "server/chat_messages.h"
#include "server/for_objects.h"
#include "server/ollama.h"
#include "server/openai.h"
#include "server/sampling_fields.h"

namespace ondol::server {
namespace {

constexpr int64_t kManyTokens = int64_t{1} << 30;
constexpr double kManySeconds = 1e9;

void refuse_images(const Fields& fields) {
  const json::array* images = fields.array("images");
  if (images != nullptr && !images->empty()) {
    fields.fail("images", fields.path_of("images") + ": the models here read text only", "unsupported_content");
  }
}

/// Messages into the rules of chat.h. Ollama's clients often leave out the ids of calls, and say the tool's name with
/// its result, or nothing: results then belong to the calls in their order.
class MessageReader {
 public:
  explicit MessageReader(json::array& messages) : messages_(messages) {}

  void read(const Fields& message) {
    static constexpr std::string_view kRoles[] = {"system", "user", "assistant", "tool"};
    const std::string role = message.required_text("role");
    if (!message.fault() && std::find(std::begin(kRoles), std::end(kRoles), role) == std::end(kRoles)) {
      message.fail(
          "role", fmt::format("{}: expected system, user, assistant or tool, got '{}'", message.path_of("role"), role));
    }
    refuse_images(message);
    json::object result = {{"role", role}, {"content", text_of_content(message, "content")}};
    if (role == "assistant") read_assistant(message, result);
    if (role == "tool") read_result(message, result);
    messages_.push_back(std::move(result));
  }

 private:
  struct Call {
    std::string id;
    std::string name;
  };

  void read_assistant(const Fields& message, json::object& result) {
    if (const auto thinking = message.text("thinking"); thinking && !thinking->empty()) {
      result["reasoning_content"] = *thinking;
    }
    json::array calls;
    for_objects(message, "tool_calls", [&](const Fields& call) {
      const json::object* object = call.object("function");
      if (object == nullptr) {
        return call.fail("function", call.path_of("function") + ": expected an object, but it is missing");
      }
      const Fields function(*object, call.fault(), call.path_of("function"));
      const std::string name = function.required_text("name");
      std::string id = call.text("id").value_or("");
      if (id.empty()) id = fmt::format("call_{}", n_calls_);
      ++n_calls_;
      const json::value* arguments = function.find("arguments");
      calls.push_back(make_tool_call(id, name, call_arguments(arguments == nullptr ? json::value() : *arguments)));
      open_.push_back({id, name});
    });
    if (!calls.empty()) result["tool_calls"] = std::move(calls);
  }

  void read_result(const Fields& message, json::object& result) {
    const std::string id = message.text("tool_call_id").value_or("");
    std::string name = message.text("tool_name").value_or("");
    if (name.empty()) name = message.text("name").value_or("");
    const auto answers = [&](const Call& call) {
      return !id.empty() ? call.id == id : name.empty() || call.name == name;
    };
    const auto call = std::find_if(open_.begin(), open_.end(), answers);
    if (call != open_.end()) {
      result["tool_call_id"] = call->id;
      result["name"] = call->name;
      open_.erase(call);
      return;
    }
    if (!id.empty()) result["tool_call_id"] = id;
    if (!name.empty()) result["name"] = name;
  }

  json::array& messages_;
  std::vector<Call> open_;  // calls without a result
  int n_calls_ = 0;
};

void read_format(const Fields& fields, ContentFormat& content) {
  const json::value* format = fields.find("format");
  if (format == nullptr) return;
  content.parameter = "format";
  if (format->is_object()) {
    content.kind = ContentFormat::Kind::kJsonSchema;
    content.schema = *format;
  } else if (format->is_string() && format->get_string() == "json") {
    content.kind = ContentFormat::Kind::kJsonObject;
  } else if (!format->is_string() || !format->get_string().empty()) {
    fields.fail("format", "format: expected \"json\" or a JSON Schema, got " + json::serialize(*format).substr(0, 60));
  }
}

void read_think(const Fields& fields, ReasoningWish& wish) {
  const json::value* think = fields.find("think");
  if (think == nullptr) return;
  if (think->is_bool()) {
    wish.is_wanted = think->get_bool();
    return;
  }
  const std::string effort = fields.text("think").value_or("");
  static constexpr std::string_view kEfforts[] = {"low", "medium", "high", "max"};
  if (std::find(std::begin(kEfforts), std::end(kEfforts), effort) == std::end(kEfforts)) {
    fields.fail("think",
                fmt::format("think: expected true, false, \"low\", \"medium\", \"high\" or \"max\", got '{}'", effort));
  }
  wish.is_wanted = true;
  wish.effort = effort == "max" ? "xhigh" : effort;
}

void read_options(const Fields& fields, ChatRequest& chat) {
  static const json::object kNone;
  const json::object* object = fields.object("options");
  const Fields options(object == nullptr ? kNone : *object, fields.fault(), "options");
  chat.sampling = read_sampling(options);
  // -2 fills the context, which is where every answer ends.
  chat.max_tokens = std::max(-1, static_cast<int>(options.integer("num_predict", -2, kManyTokens).value_or(-1)));
  chat.stop = options.texts("stop");
}

void read_common(const Services& services, const Fields& fields, OllamaChat& result) {
  result.use = read_ollama_use(services, fields);
  ChatRequest& chat = result.chat;
  chat.model = result.use.model;
  result.stream = fields.flag("stream").value_or(true);
  read_format(fields, chat.content);
  read_think(fields, chat.reasoning);
  read_options(fields, chat);
  chat.adapters = read_adapter_choices(fields);
  (void)fields.flag("truncate");
  (void)fields.flag("shift");
  const auto n_best = fields.integer("top_logprobs", 0, 20);
  if (fields.flag("logprobs").value_or(false)) chat.n_best = static_cast<int>(n_best.value_or(0));
}

std::optional<double> seconds_of_unit(std::string_view unit) {
  if (unit == "h") return 3600;
  if (unit == "m") return 60;
  if (unit == "s" || unit.empty()) return 1;
  if (unit == "ms") return 1e-3;
  if (unit == "us" || unit == "\xC2\xB5s" || unit == "\xCE\xBCs") return 1e-6;
  if (unit == "ns") return 1e-9;
  return {};
}

/// "1h30m", "-1", "2.5s"
std::optional<double> parse_duration(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return {};
  double sum = 0;
  while (!text.empty()) {
    double number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (parsed.ec != std::errc() || !(number >= 0)) return {};
    text.remove_prefix(static_cast<size_t>(parsed.ptr - text.data()));
    const size_t end = std::min(text.find_first_of("0123456789."), text.size());
    const auto unit = seconds_of_unit(text.substr(0, end));
    if (!unit) return {};
    sum += number * *unit;
    text.remove_prefix(end);
  }
  return is_negative ? -sum : sum;
}

}  // namespace

Result<std::chrono::seconds> parse_keep_alive(const json::value& value) {
  std::optional<double> seconds;
  if (value.is_number()) seconds = value.to_number<double>();
  if (value.is_string()) seconds = parse_duration(value.get_string());
  if (!seconds) {
    return Error("keep_alive: expected seconds, or a duration as in \"5m\", got " +
                 json::serialize(value).substr(0, 60));
  }
  if (*seconds < 0) return std::chrono::seconds(-1);
  return std::chrono::seconds(static_cast<int64_t>(std::ceil(std::min(*seconds, kManySeconds))));
}

std::string read_ollama_name(const Services& services, const Fields& fields) {
  std::string name = fields.text("model").value_or("");
  if (name.empty()) name = fields.text("name").value_or("");
  constexpr std::string_view kLatest = ":latest";
  if (!name.ends_with(kLatest)) return name;
  const ModelPool& models = *services.models;
  const std::string short_name = name.substr(0, name.size() - kLatest.size());
  return models.resolve(name).error && !models.resolve(short_name).error ? short_name : name;
}

OllamaUse read_ollama_use(const Services& services, const Fields& fields) {
  OllamaUse use;
  use.model = read_ollama_name(services, fields);
  if (const json::value* value = fields.find("keep_alive")) {
    const auto time = parse_keep_alive(*value);
    if (time) {
      use.keep_alive = *time;
    } else {
      fields.fail("keep_alive", time.error().message());
    }
  }
  if (const json::object* options = fields.object("options")) {
    use.context = Fields(*options, fields.fault(), "options").integer("num_ctx", 0, kManyTokens).value_or(0);
  }
  return use;
}

std::optional<HttpError> settle_ollama_use(Services& services, const LoadedModel& model, const OllamaUse& use) {
  if (use.keep_alive) services.models->set_keep_alive(model.id(), *use.keep_alive);
  const int64_t context = model.engine().context_length();
  if (use.context <= context) return {};
  return make_error(
      400,
      fmt::format("options.num_ctx: {} is more than the context of {} tokens that '{}' was loaded with; ask "
                  "for less, or start the server with --ctx {}",
                  use.context, context, model.id(), use.context),
      "context_length_exceeded");
}

OllamaChat read_ollama_chat(const Services& services, const Fields& fields) {
  OllamaChat result;
  read_common(services, fields, result);
  ChatRequest& chat = result.chat;
  read_openai_tools(fields, chat);
  MessageReader reader(chat.messages);
  for_objects(fields, "messages", [&](const Fields& message) { reader.read(message); });
  result.only_loads = chat.messages.empty();
  if (result.only_loads || fields.fault()) return result;
  const json::value& last = chat.messages.back();
  chat.continues_last = string_or(last, "role", "") == "assistant" && find_member(last, "tool_calls") == nullptr;
  return result;
}

OllamaChat read_ollama_generate(const Services& services, const Fields& fields) {
  OllamaChat result;
  read_common(services, fields, result);
  refuse_images(fields);
  result.prompt = fields.text("prompt").value_or("");
  result.suffix = fields.text("suffix").value_or("");
  result.is_raw = fields.flag("raw").value_or(false);
  result.only_loads = result.prompt.empty() && result.suffix.empty();
  if (!fields.text("template").value_or("").empty()) {
    fields.fail("template",
                "template: the model's own template is used; leave it out, or send the whole prompt with raw");
  }
  if (const json::array* context = fields.array("context"); context != nullptr && !context->empty()) {
    fields.fail("context", "context: expected none; conversations are continued with /api/chat and its messages");
  }
  if (const std::string system = fields.text("system").value_or(""); !system.empty()) {
    result.chat.messages.push_back(json::object{{"role", "system"}, {"content", system}});
  }
  result.chat.messages.push_back(json::object{{"role", "user"}, {"content", result.prompt}});
  return result;
}

}  // namespace ondol::server
