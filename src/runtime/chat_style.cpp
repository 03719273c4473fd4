#include "runtime/chat_style.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/clock.h"
#include "runtime/conversation.h"
#include "text/jinja/convert.h"
#include "text/jinja/tojson.h"

namespace ondol {
namespace {

std::string text_of(const json::value& message, std::string_view key) {
  return string_or(message, key, "");
}

/// As Python's json.dumps writes it, which is what models have seen.
std::string json_for_models(const json::value& value) {
  return jinja::to_json(jinja::from_json(value), {});
}

bool has_role(const json::value& message, std::string_view role) {
  return text_of(message, "role") == role;
}

// Claude Code puts a line that changes with every request at the head of the system prompt; the cache of keys and
// values would be for nothing.
void drop_billing_line(std::string& text) {
  if (!text.starts_with("x-anthropic-billing-header:")) return;
  const size_t end = text.find('\n');
  text.erase(0, end == std::string::npos ? text.size() : end + 1);
}

/// Nine letters and digits that are always the same for an id.
std::string short_id(const std::string& id) {
  static constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  if (id.size() == 9 && id.find_first_not_of(kLetters) == std::string::npos) return id;
  uint64_t hash = 0xcbf29ce484222325ull;  // FNV-1a
  for (const char c : id) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
  std::string name;
  for (int i = 0; i < 9; ++i, hash /= kLetters.size()) name += kLetters[hash % kLetters.size()];
  return name;
}

constexpr const char* kToolsInWords =
    "You may call functions to help with the request. These are the functions, as JSON Schema:\n<tools>\n{}</tools>\n"
    "For each call, write a JSON object with name and arguments between tags:\n<tool_call>\n{{\"name\": "
    "<function-name>, \"arguments\": <object>}}\n</tool_call>";

/// For templates without tools: everything about them as text, in the form that the plain ChatFormat reads.
class ToolsAsText {
 public:
  static std::string system(const std::vector<ToolDefinition>& tools) {
    std::string lines;
    for (const ToolDefinition& tool : tools) lines += json_for_models(tool_as_json(tool)) + "\n";
    return fmt::format(fmt::runtime(kToolsInWords), lines);
  }

  static json::object message(const json::object& message) {
    if (has_role(message, "tool")) {
      return chat_message("user", "<tool_response>\n" + text_of(message, "content") + "\n</tool_response>");
    }
    const json::value* calls = message.if_contains("tool_calls");
    if (calls == nullptr || !calls->is_array()) return message;
    std::string text = text_of(message, "content");
    for (const json::value& call : calls->get_array()) {
      const json::value* function = find_member(call, "function");
      if (function == nullptr) continue;
      if (!text.empty()) text += "\n";
      text += "<tool_call>\n" + json_for_models(*function) + "\n</tool_call>";
    }
    json::object plain = message;
    plain.erase("tool_calls");
    plain["content"] = text;
    return plain;
  }
};

void set_content(json::object& message, const std::string& text, const TemplateTraits& traits) {
  if (traits.wants_parts) {
    message["content"] = json::array{json::object{{"type", "text"}, {"text", text}}};
  } else {
    message["content"] = text;
  }
}

void fit_calls(json::object& message, const TemplateTraits& traits) {
  for (json::value& call : message["tool_calls"].as_array()) {
    json::object& fields = call.as_object();
    if (traits.wants_short_ids) fields["id"] = short_id(text_of(call, "id"));
    json::object& function = fields["function"].as_object();
    if (!traits.wants_objects) function["arguments"] = json_for_models(function["arguments"]);
  }
}

void fit_message(json::object& message, const TemplateTraits& traits) {
  if (has_role(message, "developer") && !traits.knows_developer) message["role"] = "system";
  const bool calls = message.if_contains("tool_calls") != nullptr;
  const std::string text = text_of(message, "content");
  if (calls && text.empty()) {
    message["content"] = traits.wants_null ? json::value(nullptr) : json::value("");
  } else {
    set_content(message, text, traits);
  }
  if (calls) fit_calls(message, traits);
  if (traits.wants_short_ids && message.if_contains("tool_call_id") != nullptr) {
    message["tool_call_id"] = short_id(text_of(message, "tool_call_id"));
  }
  if (const json::value* reasoning = message.if_contains("reasoning_content")) {
    const json::value said = *reasoning;
    message.erase("reasoning_content");
    if (!traits.reasoning_member.empty()) message[traits.reasoning_member] = said;
    // gpt-oss takes reasoning or content with a call, not both.
    if (traits.reasoning_member == "thinking" && calls)
      message["content"] = traits.wants_null ? json::value(nullptr) : "";
  }
}

void append_text(json::object& message, const std::string& text) {
  const std::string before = text_of(message, "content");
  message["content"] = before.empty() ? text : text.empty() ? before : before + "\n\n" + text;
}

bool is_plain(const json::object& message) {
  return message.if_contains("tool_calls") == nullptr && !has_role(message, "tool");
}

/// One system message at the head, and no two plain messages of a role one after the other.
std::vector<json::object> merged(const std::vector<json::object>& messages) {
  std::vector<json::object> result;
  json::object system = chat_message("system", "");
  for (const json::object& message : messages) {
    if (has_role(message, "system") || has_role(message, "developer")) {
      append_text(system, text_of(message, "content"));
    } else if (!result.empty() && is_plain(message) && is_plain(result.back()) &&
               has_role(result.back(), text_of(message, "role"))) {
      append_text(result.back(), text_of(message, "content"));
    } else {
      result.push_back(message);
    }
  }
  if (!text_of(system, "content").empty()) result.insert(result.begin(), std::move(system));
  return result;
}

/// For templates without system messages: their text goes before that of the first user message.
void move_system_to_user(std::vector<json::object>& messages) {
  std::string system;
  std::erase_if(messages, [&](const json::object& message) {
    if (!has_role(message, "system") && !has_role(message, "developer")) return false;
    if (!system.empty()) system += "\n\n";
    system += text_of(message, "content");
    return true;
  });
  if (system.empty()) return;
  const auto user =
      std::find_if(messages.begin(), messages.end(), [](const json::object& m) { return has_role(m, "user"); });
  if (user == messages.end()) {
    messages.insert(messages.begin(), chat_message("user", system));
    return;
  }
  const std::string asked = text_of(*user, "content");
  (*user)["content"] = asked.empty() ? system : system + "\n\n" + asked;
}

/// All that goes into the template, so that special texts in any of it can be told apart.
json::object template_input(const ChatInput& chat) {
  json::array tools;
  for (const ToolDefinition& tool : chat.tools) {
    json::object entry = {{"name", tool.name}, {"description", tool.description}};
    entry["parameters"] = tool.parameters;
    tools.push_back(std::move(entry));
  }
  json::object input;
  input["messages"] = chat.messages;
  input["tools"] = std::move(tools);
  input["variables"] = chat.variables;
  return input;
}

Result<std::string> render(const ChatTemplate& chat_template, const Tokenizer& tokenizer, const ChatStyle& style,
                           const json::object& input, bool merges, bool opens_answer) {
  std::vector<ToolDefinition> tools;
  for (const json::value& tool : input.at("tools").as_array()) {
    tools.push_back({string_or(tool, "name", ""), string_or(tool, "description", ""), tool.at("parameters")});
  }
  const json::array fitting = messages_for_template(style, input.at("messages").as_array(), tools, merges);
  json::object context = template_context(tokenizer, fitting, opens_answer);
  if (!tools.empty() && style.format->has_tools()) {
    json::array listed;
    for (const ToolDefinition& tool : tools) listed.push_back(tool_as_json(tool));
    context["tools"] = std::move(listed);
  }
  for (const auto& [key, value] : input.at("variables").as_object()) context[key] = value;
  return chat_template.render(context, ONDOL_TRY(now_unix_seconds()));
}

}  // namespace

ChatStyle ChatStyle::of(const ChatTemplate* chat_template, std::string_view source, const Tokenizer& tokenizer) {
  ChatStyle style;
  style.format = ChatFormat::of_template(source);
  if (chat_template != nullptr) {
    style.traits = TemplateTraits::of(*chat_template, source, template_context(tokenizer, {}, false));
  }
  style.special_texts = SpecialTexts(tokenizer);
  return style;
}

json::object make_tool_call(std::string_view id, std::string_view name, const json::value& arguments) {
  json::object function = {{"name", name}};
  function["arguments"] = arguments;
  return {{"id", id}, {"type", "function"}, {"function", std::move(function)}};
}

json::object tool_as_json(const ToolDefinition& tool) {
  json::object function = {{"name", tool.name}};
  if (!tool.description.empty()) function["description"] = tool.description;
  function["parameters"] = tool.parameters.is_null()
                               ? json::value(json::object{{"type", "object"}, {"properties", json::object()}})
                               : tool.parameters;
  return {{"type", "function"}, {"function", std::move(function)}};
}

json::array messages_for_template(const ChatStyle& style, const json::array& messages,
                                  const std::vector<ToolDefinition>& tools, bool merges) {
  const bool as_text = !style.format->has_tools();
  std::vector<json::object> list;
  for (const json::value& message : messages) {
    list.push_back(as_text ? ToolsAsText::message(message.as_object()) : message.as_object());
  }
  if (as_text && !tools.empty()) {
    if (!list.empty() && has_role(list.front(), "system")) {
      append_text(list.front(), ToolsAsText::system(tools));
    } else {
      list.insert(list.begin(), chat_message("system", ToolsAsText::system(tools)));
    }
  }
  if (!list.empty() && has_role(list.front(), "system")) {
    std::string text = text_of(list.front(), "content");
    drop_billing_line(text);
    list.front()["content"] = text;
    if (text.empty()) list.erase(list.begin());
  }
  if (!style.traits.has_system) move_system_to_user(list);
  if (merges) list = merged(list);
  json::array fitting;
  for (json::object& message : list) {
    fit_message(message, style.traits);
    fitting.push_back(std::move(message));
  }
  return fitting;
}

Result<PromptText> render_chat(const ChatTemplate& chat_template, const Tokenizer& tokenizer, const ChatStyle& style,
                               const ChatInput& chat) {
  return render_prompt(style.special_texts, template_input(chat), [&](const json::object& input) {
    return render(chat_template, tokenizer, style, input, chat.merges, chat.opens_answer);
  });
}

std::vector<TokenId> prompt_tokens(const Tokenizer& tokenizer, const PromptText& prompt) {
  std::vector<TokenId> tokens = tokenizer.encode_prompt(prompt.text, prompt.plain);
  // Most templates write the BOS token themselves; a second one harms.
  const bool wants_bos = tokenizer.adds_bos() && tokenizer.bos() != kNoToken;
  if (wants_bos && (tokens.empty() || tokens.front() != tokenizer.bos())) {
    tokens.insert(tokens.begin(), tokenizer.bos());
  }
  return tokens;
}

}  // namespace ondol
