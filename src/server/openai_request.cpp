// The body of a chat request in OpenAI's form.
#include <algorithm>

#include <fmt/format.h>

#include "server/adapters.h"
#include "server/chat_messages.h"
#include "server/for_objects.h"
#include "server/openai.h"
#include "server/sampling_fields.h"

namespace ondol::server {
namespace {

constexpr int64_t kMaxTools = 1024;
constexpr int64_t kMaxChoices = 64;
constexpr size_t kMaxStops = 64;
constexpr int64_t kMaxTopLogprobs = 20;
constexpr int64_t kManyTokens = int64_t{1} << 30;

void read_tool_calls(const Fields& message, json::object& result) {
  json::array calls;
  for_objects(message, "tool_calls", [&](const Fields& call) {
    const json::object* function = call.object("function");
    if (function == nullptr)
      return call.fail("function", call.path_of("function") + ": expected an object, got nothing");
    const Fields named(*function, call.fault(), call.path_of("function"));
    const json::value* arguments = named.find("arguments");
    calls.push_back(make_tool_call(call.text("id").value_or(""), named.required_text("name"),
                                   call_arguments(arguments == nullptr ? json::value() : *arguments)));
  });
  if (!calls.empty()) result["tool_calls"] = std::move(calls);
}

json::object read_message(const Fields& message) {
  std::string role = message.required_text("role");
  if (role == "function") role = "tool";
  static constexpr std::string_view kRoles[] = {"system", "developer", "user", "assistant", "tool"};
  if (!message.fault() && std::find(std::begin(kRoles), std::end(kRoles), role) == std::end(kRoles)) {
    message.fail("role", fmt::format("{}: expected system, developer, user, assistant or tool, got '{}'",
                                     message.path_of("role"), role));
  }
  json::object result = {{"role", role}, {"content", text_of_content(message, "content")}};
  if (role == "assistant") {
    for (const char* member : {"reasoning_content", "reasoning"}) {
      const json::value* reasoning = message.find(member);
      if (reasoning == nullptr || !reasoning->is_string() || reasoning->get_string().empty()) continue;
      result["reasoning_content"] = *reasoning;
      break;
    }
    read_tool_calls(message, result);
  } else if (role != "tool" && !message.has("content")) {
    message.fail("content", message.path_of("content") + ": expected a string or an array of parts, got nothing");
  }
  for (const char* member : {"tool_call_id", "name"}) {
    if (const auto text = message.text(member)) result[member] = *text;
  }
  return result;
}

/// Tools' results carry the name of the function, which many templates want.
void name_results(json::array& messages) {
  std::map<std::string, std::string> names;
  for (json::value& message : messages) {
    if (const json::value* calls = find_member(message, "tool_calls")) {
      for (const json::value& call : calls->as_array()) {
        names[string_or(call, "id", "")] = string_or(call.at("function"), "name", "");
      }
    }
    const auto name = names.find(string_or(message, "tool_call_id", ""));
    if (name != names.end() && find_member(message, "name") == nullptr) message.as_object()["name"] = name->second;
  }
}

void read_tool_choice(const Fields& fields, ChatRequest& request) {
  const json::value* choice = fields.find("tool_choice");
  if (choice == nullptr) return;
  const auto set_mode = [&](std::string_view mode) {
    if (mode == "auto")
      request.tool_choice = ToolChoice::kAuto;
    else if (mode == "none")
      request.tool_choice = ToolChoice::kNone;
    else if (mode == "required" || mode == "any")
      request.tool_choice = ToolChoice::kRequired;
    else
      fields.fail("tool_choice",
                  fmt::format("tool_choice: expected auto, none, required or a function, got '{}'", mode));
  };
  if (choice->is_string()) return set_mode(choice->get_string());
  const json::object* object = fields.object("tool_choice");
  if (object == nullptr) return;
  const Fields named(*object, fields.fault(), "tool_choice");
  const std::string type = named.required_text("type");
  if (type == "allowed_tools") {
    const json::object* allowed = named.object("allowed_tools");
    const Fields list(allowed == nullptr ? *object : *allowed, fields.fault(), "tool_choice.allowed_tools");
    std::vector<std::string> names;
    for_objects(list, "tools", [&](const Fields& tool) {
      const json::object* function = tool.object("function");
      names.push_back(string_or(function == nullptr ? tool.value() : *function, "name", ""));
    });
    std::erase_if(request.tools, [&](const ToolDefinition& tool) {
      return std::find(names.begin(), names.end(), tool.name) == names.end();
    });
    return set_mode(list.text("mode").value_or("auto"));
  }
  if (type != "function") {
    return fields.fail("tool_choice.type",
                       fmt::format("tool_choice.type: expected function or allowed_tools, got '{}'", type));
  }
  const json::object* function = named.object("function");
  request.tool_choice = ToolChoice::kNamed;
  request.tool_name = string_or(function == nullptr ? *object : *function, "name", "");
}

void check_tool_choice(const Fields& fields, const ChatRequest& request) {
  const bool must_call = request.tool_choice == ToolChoice::kRequired || request.tool_choice == ToolChoice::kNamed;
  if (must_call && request.tools.empty()) {
    return fields.fail("tool_choice", "tool_choice: expected tools to choose from, got none");
  }
  if (request.tool_choice != ToolChoice::kNamed) return;
  for (const ToolDefinition& tool : request.tools) {
    if (tool.name == request.tool_name) return;
  }
  fields.fail("tool_choice", fmt::format("tool_choice: there is no tool '{}' among the tools", request.tool_name));
}

void read_json_schema(const Fields& format, ContentFormat& content) {
  const json::object* wrapped = format.object("json_schema");
  const Fields fields(wrapped == nullptr ? format.value() : *wrapped, format.fault(),
                      wrapped == nullptr ? "response_format" : "response_format.json_schema");
  const json::object* schema = fields.object("schema");
  content.kind = ContentFormat::Kind::kJsonSchema;
  content.parameter = fields.path_of("schema");
  content.strict = fields.flag("strict").value_or(false);
  if (schema == nullptr) return fields.fail("schema", content.parameter + ": expected an object, got nothing");
  content.schema = *schema;
}

void read_response_format(const Fields& fields, ContentFormat& content) {
  using Kind = ContentFormat::Kind;
  content.parameter = "response_format";
  if (const auto grammar = fields.text("grammar"); grammar && !grammar->empty()) {
    content.kind = Kind::kGrammar;
    content.source = *grammar;
    content.parameter = "grammar";
  }
  if (const json::object* schema = fields.object("json_schema")) {
    content.kind = Kind::kJsonSchema;
    content.schema = *schema;
    content.parameter = "json_schema";
  }
  const json::object* object = fields.object("response_format");
  if (object == nullptr) return;
  const Fields format(*object, fields.fault(), "response_format");
  const std::string type = format.required_text("type");
  if (type == "json_schema") return read_json_schema(format, content);
  if (type == "json_object") {
    // llama.cpp's clients put a schema beside it.
    if (format.has("schema")) return read_json_schema(format, content);
    content.kind = Kind::kJsonObject;
  } else if (type == "grammar") {
    content.kind = Kind::kGrammar;
    content.source = format.required_text("grammar");
    content.parameter = "response_format.grammar";
  } else if (type == "regex") {
    content.kind = Kind::kRegex;
    content.source = format.text(format.has("regex") ? "regex" : "pattern").value_or("");
    content.parameter = "response_format.regex";
  } else if (type != "text") {
    format.fail("type", fmt::format("response_format.type: expected text, json_object, json_schema, grammar or regex, "
                                    "got '{}'",
                                    type));
  }
}

void read_reasoning(const Fields& fields, ReasoningWish& wish) {
  static constexpr std::string_view kEfforts[] = {"none", "minimal", "low", "medium", "high", "xhigh"};
  std::optional<std::string> effort = fields.text("reasoning_effort");
  std::optional<int64_t> budget = fields.integer("reasoning_budget", -1, kManyTokens);
  if (!budget) budget = fields.integer("thinking_budget_tokens", -1, kManyTokens);
  if (const json::object* object = fields.object("reasoning")) {
    const Fields reasoning(*object, fields.fault(), "reasoning");
    if (!effort) effort = reasoning.text("effort");
    if (!budget) budget = reasoning.integer("max_tokens", 0, kManyTokens);
    wish.is_wanted = reasoning.flag("enabled");
  }
  if (effort && std::find(std::begin(kEfforts), std::end(kEfforts), *effort) == std::end(kEfforts)) {
    fields.fail("reasoning_effort",
                fmt::format("reasoning_effort: expected none, minimal, low, medium, high or xhigh, got '{}'", *effort));
  }
  wish.effort = effort.value_or("");
  wish.budget = static_cast<int>(budget.value_or(-1));
  if (const auto wanted = fields.flag("enable_thinking")) wish.is_wanted = wanted;
}

void read_template_fields(const Fields& fields, ChatRequest& request) {
  if (const json::object* variables = fields.object("chat_template_kwargs")) {
    request.template_variables = *variables;
    const json::value* thinking = variables->if_contains("enable_thinking");
    if (thinking != nullptr && thinking->is_bool()) request.reasoning.is_wanted = thinking->get_bool();
    for (const char* own : {"messages", "tools", "add_generation_prompt"}) request.template_variables.erase(own);
  }
  if (request.messages.empty()) return;
  const json::value& last = request.messages.back();
  const bool is_answer = string_or(last, "role", "") == "assistant" && find_member(last, "tool_calls") == nullptr;
  const auto wanted = fields.flag("continue_final_message");
  request.opens_answer = fields.flag("add_generation_prompt").value_or(true);
  request.continues_last = is_answer && wanted.value_or(request.opens_answer);
  request.echoes = fields.flag("echo").value_or(false);
  if (wanted.value_or(false) && !is_answer) {
    fields.fail("continue_final_message", "continue_final_message: expected the last message to be an answer in words");
  }
}

void read_logprobs(const Fields& fields, ChatRequest& request) {
  const bool wanted = fields.flag("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", 0, kMaxTopLogprobs);
  if (wanted) request.n_best = static_cast<int>(top.value_or(0));
  if (!wanted && top.value_or(0) > 0) fields.fail("top_logprobs", "top_logprobs: expected logprobs to be true");
}

void refuse_what_is_not_here(const Fields& fields) {
  if (fields.has("functions") || fields.has("function_call")) {
    fields.fail(fields.has("functions") ? "functions" : "function_call",
                "functions and function_call were replaced: use tools and tool_choice");
  }
  for (const std::string& modality : fields.texts("modalities")) {
    if (modality != "text")
      fields.fail("modalities", "modalities: the models here write text only", "unsupported_content");
  }
  if (fields.has("audio")) fields.fail("audio", "audio: the models here write text only", "unsupported_content");
}

}  // namespace

json::array read_openai_messages(const Fields& fields) {
  json::array messages;
  if (!fields.has("messages")) fields.fail("messages", "messages: expected an array, got nothing");
  for_objects(fields, "messages", [&](const Fields& message) { messages.push_back(read_message(message)); });
  if (messages.empty()) fields.fail("messages", "messages: expected at least one message, got none");
  if (!fields.fault()) name_results(messages);
  return messages;
}

void read_openai_tools(const Fields& fields, ChatRequest& request) {
  for_objects(fields, "tools", [&](const Fields& entry) {
    const std::string type = entry.text("type").value_or("function");
    if (type != "function") {
      return entry.fail("type", fmt::format("{}: expected function, got '{}'", entry.path_of("type"), type));
    }
    const json::object* object = entry.object("function");
    if (object == nullptr)
      return entry.fail("function", entry.path_of("function") + ": expected an object, got nothing");
    const Fields function(*object, entry.fault(), entry.path_of("function"));
    ToolDefinition tool;
    tool.name = function.required_text("name");
    if (!function.fault() && tool.name.empty()) function.fail("name", function.path_of("name") + ": expected a name");
    tool.description = function.text("description").value_or("");
    if (const json::object* parameters = function.object("parameters")) tool.parameters = *parameters;
    tool.strict = function.flag("strict").value_or(false);
    request.tools.push_back(std::move(tool));
  });
  if (static_cast<int64_t>(request.tools.size()) > kMaxTools) {
    fields.fail("tools", fmt::format("tools: expected at most {}, got {}", kMaxTools, request.tools.size()));
  }
  read_tool_choice(fields, request);
  if (!fields.fault()) check_tool_choice(fields, request);
  request.parallel_calls = fields.flag("parallel_tool_calls").value_or(true);
}

OpenAiChat read_openai_chat(const Fields& fields) {
  OpenAiChat result;
  ChatRequest& chat = result.chat;
  chat.model = fields.text("model").value_or("");
  chat.messages = read_openai_messages(fields);
  read_openai_tools(fields, chat);
  read_response_format(fields, chat.content);
  read_reasoning(fields, chat.reasoning);
  read_template_fields(fields, chat);
  read_logprobs(fields, chat);
  refuse_what_is_not_here(fields);
  chat.adapters = read_adapter_choices(fields);
  chat.sampling = read_sampling(fields);
  for (const char* key : {"max_tokens", "max_completion_tokens"}) {
    if (const auto most = fields.integer(key, -1, kManyTokens)) chat.max_tokens = static_cast<int>(*most);
  }
  chat.stop = fields.texts("stop");
  if (chat.stop.size() > kMaxStops) fields.fail("stop", fmt::format("stop: expected at most {} texts", kMaxStops));
  chat.n = static_cast<int>(fields.integer("n", 1, kMaxChoices).value_or(1));
  chat.ignore_end = fields.flag("ignore_eos").value_or(false);
  result.stream = fields.flag("stream").value_or(false);
  if (const json::object* options = fields.object("stream_options")) {
    result.include_usage = Fields(*options, fields.fault(), "stream_options").flag("include_usage").value_or(false);
  }
  return result;
}

}  // namespace ondol::server
