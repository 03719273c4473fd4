#include "train/data/message_reader.h"

#include <fmt/format.h>

namespace ondol::train {
namespace {

const json::value* find(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Error wrong(const std::string& place, std::string_view expected, const json::value* value) {
  return Error(
      fmt::format("{}: expected {}, got {}", place, expected, value == nullptr ? "nothing" : kind_name(*value)));
}

Result<std::string> text_of_parts(const json::array& parts, const std::string& place) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string type = string_or(parts[i], "type", "text");
    const json::value* part = find_member(parts[i], "text");
    if (type != "text" && type != "input_text" && type != "output_text") {
      return Error(
          fmt::format("{}[{}]: expected text, got '{}': training reads text only", place, i, type.substr(0, 60)));
    }
    if (part == nullptr || !part->is_string()) return wrong(fmt::format("{}[{}].text", place, i), "a string", part);
    if (i > 0) text += "\n";
    text += part->get_string();
  }
  return text;
}

Result<std::string> read_content(const json::object& message, const std::string& place) {
  const json::value* content = find(message, "content");
  if (content == nullptr) return std::string();
  if (content->is_string()) return std::string(content->get_string());
  if (content->is_array()) return text_of_parts(content->get_array(), place + ".content");
  return wrong(place + ".content", "a string or a list of parts", content);
}

/// An object; a text is parsed.
Result<json::value> read_arguments(const json::value* arguments, const std::string& place) {
  if (arguments == nullptr) return json::value(json::object());
  if (arguments->is_object()) return *arguments;
  if (!arguments->is_string()) return wrong(place, "an object or its JSON text", arguments);
  if (arguments->get_string().empty()) return json::value(json::object());
  json::value parsed = ONDOL_TRY(parse_json(arguments->get_string()).in(place));
  if (!parsed.is_object()) return wrong(place, "the JSON text of an object", &parsed);
  return parsed;
}

Result<json::object> read_call(const json::value& call, const std::string& place, size_t number) {
  if (!call.is_object()) return wrong(place, "an object", &call);
  // {id, type, function: {name, arguments}}, or the inner part alone.
  const json::value* nested = find(call.get_object(), "function");
  const json::object& function = nested != nullptr && nested->is_object() ? nested->get_object() : call.get_object();
  const json::value* name = find(function, "name");
  if (name == nullptr || !name->is_string()) return wrong(place + ".function.name", "a string", name);
  json::object fitted;
  fitted["name"] = *name;
  fitted["arguments"] = ONDOL_TRY(read_arguments(find(function, "arguments"), place + ".function.arguments"));
  json::object result;
  result["id"] = string_or(call, "id", fmt::format("call{:05}", number));
  result["type"] = "function";
  result["function"] = std::move(fitted);
  return result;
}

bool is_known_role(std::string_view role) {
  return role == "system" || role == "developer" || role == "user" || role == "assistant" || role == "tool";
}

Result<json::array> read_calls(const json::object& message, const std::string& place) {
  json::array calls;
  if (const json::value* list = find(message, "tool_calls")) {
    if (!list->is_array()) return wrong(place + ".tool_calls", "a list", list);
    for (const json::value& call : list->get_array()) {
      const std::string call_place = fmt::format("{}.tool_calls[{}]", place, calls.size());
      calls.push_back(ONDOL_TRY(read_call(call, call_place, calls.size() + 1)));
    }
  } else if (const json::value* call = find(message, "function_call")) {
    calls.push_back(ONDOL_TRY(read_call(*call, place + ".function_call", 1)));
  }
  return calls;
}

void copy_reasoning(const json::object& from, json::object& to) {
  for (const char* key : {"reasoning_content", "reasoning", "thinking"}) {
    const json::value* reasoning = find(from, key);
    if (reasoning == nullptr || !reasoning->is_string() || reasoning->get_string().empty()) continue;
    to["reasoning_content"] = *reasoning;
    return;
  }
}

Result<json::object> read_message(const json::value& value, const std::string& place) {
  const json::object* message = value.if_object();
  if (message == nullptr) return wrong(place, "an object", &value);
  const json::value* role = find(*message, "role");
  if (role == nullptr || !role->is_string()) return wrong(place + ".role", "a string", role);
  std::string name(role->get_string());
  if (name == "function") name = "tool";
  if (!is_known_role(name)) {
    return Error(fmt::format("{}.role: expected system, developer, user, assistant or tool, got '{}'", place,
                             name.substr(0, 60)));
  }
  json::object result;
  result["role"] = name;
  result["content"] = ONDOL_TRY(read_content(*message, place));
  if (name == "assistant") {
    copy_reasoning(*message, result);
    json::array calls = ONDOL_TRY(read_calls(*message, place));
    if (!calls.empty()) result["tool_calls"] = std::move(calls);
  }
  for (const char* key : {"name", "tool_call_id"}) {
    const json::value* text = find(*message, key);
    if (text != nullptr && text->is_string()) result[key] = *text;
  }
  return result;
}

/// A result without an id or a name belongs to the calls before it, in their order.
void link_results(json::array& messages) {
  const json::object* caller = nullptr;
  size_t next = 0;
  for (json::value& value : messages) {
    json::object& message = value.get_object();
    if (message.contains("tool_calls")) {
      caller = &message;
      next = 0;
    }
    if (string_or(value, "role", "") != "tool" || caller == nullptr) continue;
    const json::array& calls = caller->at("tool_calls").get_array();
    const json::value* call = next < calls.size() ? &calls[next] : nullptr;
    for (const json::value& other : calls) {
      if (message.contains("tool_call_id") && other.at("id") == message["tool_call_id"]) call = &other;
    }
    ++next;
    if (call == nullptr) continue;
    if (!message.contains("tool_call_id")) message["tool_call_id"] = call->at("id");
    if (!message.contains("name")) message["name"] = call->at("function").at("name");
  }
}

Result<json::object> read_share_gpt_message(const json::value& value, const std::string& place) {
  const json::object* message = value.if_object();
  if (message == nullptr) return wrong(place, "an object", &value);
  const json::value* from = find(*message, "from");
  if (from == nullptr && message->contains("role")) return read_message(value, place);
  if (from == nullptr || !from->is_string()) return wrong(place + ".from", "a string", from);
  const json::value* said = find(*message, "value");
  if (said == nullptr || !said->is_string()) return wrong(place + ".value", "a string", said);
  const std::string_view name = from->get_string();
  json::object result;
  if (name == "function_call") {
    const json::value call = ONDOL_TRY(parse_json(said->get_string()).in(place + ".value"));
    const json::array calls = call.is_array() ? call.get_array() : json::array{call};
    result["role"] = "assistant";
    result["content"] = "";
    result["tool_calls"] = calls;
    return read_message(result, place);
  }
  if (name == "human" || name == "user") {
    result["role"] = "user";
  } else if (name == "gpt" || name == "assistant" || name == "model" || name == "chatgpt" || name == "bot") {
    result["role"] = "assistant";
  } else if (name == "tool" || name == "observation" || name == "function_response" || name == "function") {
    result["role"] = "tool";
  } else if (name == "system") {
    result["role"] = "system";
  } else {
    return Error(fmt::format("{}.from: expected human, gpt, system, function_call or observation, got '{}'", place,
                             name.substr(0, 60)));
  }
  result["content"] = *said;
  return result;
}

}  // namespace

std::string_view kind_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "true or false";
    case json::kind::string:
      return "a string";
    case json::kind::array:
      return "a list";
    case json::kind::object:
      return "an object";
    default:
      return "a number";
  }
}

Result<json::array> read_messages(const json::array& list, std::string_view key, std::vector<bool>* is_learned) {
  json::array messages;
  for (const json::value& value : list) {
    const std::string place = fmt::format("'{}'[{}]", key, messages.size());
    messages.push_back(ONDOL_TRY(read_message(value, place)));
    if (is_learned != nullptr) is_learned->push_back(double_or(value, "weight", 1.0) != 0.0);
  }
  link_results(messages);
  return messages;
}

Result<json::array> read_share_gpt(const json::array& list, std::string_view key) {
  json::array messages;
  for (const json::value& value : list) {
    messages.push_back(ONDOL_TRY(read_share_gpt_message(value, fmt::format("'{}'[{}]", key, messages.size()))));
  }
  link_results(messages);
  return messages;
}

Result<json::array> read_tools(const json::object& record) {
  const json::value* tools = find(record, "tools");
  const json::value* functions = find(record, "functions");
  if (tools == nullptr && functions == nullptr) return json::array();
  json::value list = tools != nullptr ? *tools : *functions;
  if (list.is_string() && list.get_string().empty()) return json::array();
  if (list.is_string()) {
    const std::string text(list.get_string());
    list = ONDOL_TRY(parse_json(text).in("'tools'"));
  }
  if (!list.is_array()) return wrong("'tools'", "a list of tools or its JSON text", &list);
  json::array result;
  for (const json::value& tool : list.get_array()) {
    if (!tool.is_object()) return wrong(fmt::format("'tools'[{}]", result.size()), "an object", &tool);
    if (tool.get_object().contains("function")) {
      result.push_back(tool);
      continue;
    }
    json::object wrapped;
    wrapped["type"] = "function";
    wrapped["function"] = tool;
    result.push_back(std::move(wrapped));
  }
  return result;
}

}  // namespace ondol::train
