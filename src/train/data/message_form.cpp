#include "train/data/message_form.h"

#include <string_view>

#include "text/jinja/convert.h"
#include "text/jinja/tojson.h"

namespace ondol::train {
namespace {

// Monday, 2024-01-01: the probes need some date.
constexpr int64_t kProbeTime = 1704067200;
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// As Python's json.dumps writes it, which is what models have seen.
std::string json_for_models(const json::value& value) {
  return jinja::to_json(jinja::from_json(value), {});
}

json::object message(std::string_view role, const json::value& content) {
  json::object result;
  result["role"] = role;
  result["content"] = content;
  return result;
}

json::array one_part(std::string_view text) {
  json::object part;
  part["type"] = "text";
  part["text"] = text;
  json::array parts;
  parts.push_back(std::move(part));
  return parts;
}

json::array probe_tools() {
  return parse_json(R"([{"type": "function", "function": {"name": "probe_tool", "description": "A tool",
      "parameters": {"type": "object", "properties": {"listed": {"type": "string"}}}}}])")
      .value()
      .get_array();
}

class Probe {
 public:
  Probe(const ChatTemplate& chat_template, const json::object& variables)
      : template_(chat_template), variables_(variables) {}

  /// Whether `word` is in what the template makes of `messages`; false also when it refuses them.
  bool shows(const json::array& messages, std::string_view word, bool with_tool = false) const {
    return render(messages, with_tool).find(word) != std::string::npos;
  }

  std::string render(const json::array& messages, bool with_tool) const {
    json::object context = variables_;
    context["messages"] = messages;
    context["add_generation_prompt"] = false;
    if (with_tool) context["tools"] = probe_tools();
    const auto text = template_.render(context, kProbeTime);
    return text ? *text : "";
  }

  /// Whether a call comes out as data. Python's way to print a dictionary, or a JSON text inside a JSON string, is not
  /// what any model was trained on.
  bool shows_call(const MessageForm& form) const {
    json::array calls = parse_json(R"([{"id": "abcdef123", "type": "function",
        "function": {"name": "probe_tool", "arguments": {"probe_key": "probe_value"}}}])")
                            .value()
                            .get_array();
    json::object answer = message("assistant", "");
    answer["tool_calls"] = std::move(calls);
    json::object result = message("tool", "probe_result");
    result["tool_call_id"] = "abcdef123";
    result["name"] = "probe_tool";
    json::array messages;
    messages.push_back(message("user", "probe_user"));
    messages.push_back(std::move(answer));
    messages.push_back(std::move(result));
    const std::string text = render(form.fit(messages), true);
    const auto has = [&](std::string_view word) { return text.find(word) != std::string::npos; };
    return has("probe_key") && !has("null") && !has("'probe_key'") && !has("\\\"probe_key") && !has("None");
  }

 private:
  const ChatTemplate& template_;
  const json::object& variables_;
};

bool find_call_form(const Probe& probe, MessageForm& form) {
  for (const bool as_object : {true, false}) {
    for (const bool with_null : {true, false}) {
      for (const bool with_short_id : {false, true}) {
        MessageForm tried = form;
        tried.wants_objects = as_object;
        tried.wants_null = with_null;
        tried.wants_short_ids = with_short_id;
        if (!probe.shows_call(tried)) continue;
        form = tried;
        return true;
      }
    }
  }
  return false;
}

/// Nine letters and digits that are always the same for an id.
std::string short_id(std::string_view id) {
  if (id.size() == 9 && id.find_first_not_of(kLetters) == std::string_view::npos) return std::string(id);
  uint64_t hash = 0xcbf29ce484222325ull;  // FNV-1a
  for (const char c : id) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
  std::string name;
  for (int i = 0; i < 9; ++i, hash /= kLetters.size()) name += kLetters[hash % kLetters.size()];
  return name;
}

void fit_calls(const MessageForm& form, json::object& message) {
  for (json::value& value : message["tool_calls"].as_array()) {
    json::object& call = value.as_object();
    if (form.wants_short_ids) call["id"] = short_id(string_or(value, "id", ""));
    json::object& function = call["function"].as_object();
    if (form.wants_objects) continue;
    const std::string arguments = json_for_models(function["arguments"]);
    function["arguments"] = arguments;
  }
}

void fit_message(const MessageForm& form, json::object& message) {
  const std::string role = string_or(message, "role", "");
  const std::string text = string_or(message, "content", "");
  if (role == "developer" && !form.knows_developer) message["role"] = "system";
  const bool calls = message.contains("tool_calls");
  if (calls && text.empty()) {
    if (form.wants_null) message["content"] = nullptr;
  } else if (form.wants_parts) {
    message["content"] = one_part(text);
  }
  if (calls) fit_calls(form, message);
  if (form.wants_short_ids && message.contains("tool_call_id")) {
    message["tool_call_id"] = short_id(string_or(message, "tool_call_id", ""));
  }
  const std::string reasoning = string_or(message, "reasoning_content", "");
  message.erase("reasoning_content");
  if (!reasoning.empty() && !form.reasoning_member.empty()) message[form.reasoning_member] = reasoning;
}

void move_system_to_user(json::array& messages) {
  std::string system;
  json::array others;
  for (const json::value& value : messages) {
    const std::string role = string_or(value, "role", "");
    if (role == "system" || role == "developer") {
      system += (system.empty() ? "" : "\n\n") + string_or(value, "content", "");
    } else {
      others.push_back(value);
    }
  }
  messages = std::move(others);
  if (system.empty()) return;
  for (json::value& value : messages) {
    if (string_or(value, "role", "") != "user") continue;
    const std::string asked = string_or(value, "content", "");
    value.as_object()["content"] = asked.empty() ? system : system + "\n\n" + asked;
    return;
  }
  messages.insert(messages.begin(), message("user", json::string(system)));
}

}  // namespace

MessageForm MessageForm::of(const ChatTemplate& chat_template, const json::object& variables) {
  const Probe probe(chat_template, variables);
  MessageForm form;
  const auto talk = [&](std::string_view role) {
    json::array messages;
    messages.push_back(message(role, "probe_system"));
    messages.push_back(message("user", "probe_user"));
    return messages;
  };
  json::array plain;
  plain.push_back(message("user", "probe_user"));
  json::array in_parts;
  in_parts.push_back(message("user", one_part("probe_user")));
  form.wants_parts = !probe.shows(plain, "probe_user") && probe.shows(in_parts, "probe_user");
  form.has_system = probe.shows(form.fit(talk("system")), "probe_system");
  form.knows_developer = true;
  form.knows_developer = probe.shows(form.fit(talk("developer")), "probe_system");
  form.has_tools =
      probe.shows(form.fit(talk("system")), "probe_tool", true) || probe.shows(form.fit(plain), "probe_tool", true);
  json::array thoughtful = plain;
  thoughtful.push_back(message("assistant", "probe_answer"));
  for (const char* member : {"reasoning_content", "thinking", "reasoning"}) {
    thoughtful.back().as_object()[member] = "probe_thought";
    if (form.reasoning_member.empty() && probe.shows(thoughtful, "probe_thought")) form.reasoning_member = member;
    thoughtful.back().as_object().erase(member);
  }
  form.has_calls = find_call_form(probe, form);
  return form;
}

json::array MessageForm::fit(const json::array& messages) const {
  json::array fitted = messages;
  if (!has_system) move_system_to_user(fitted);
  for (json::value& value : fitted) fit_message(*this, value.as_object());
  return fitted;
}

}  // namespace ondol::train
