#include "runtime/template_traits.h"

#include <optional>

#include "runtime/conversation.h"

namespace ondol {
namespace {

// Monday, 2024-01-01: the probes need some date.
constexpr int64_t kProbeTime = 1704067200;

class Probe {
 public:
  Probe(const ChatTemplate& chat_template, const json::object& variables)
      : template_(chat_template), variables_(variables) {}

  /// The rendered messages; empty when the template refuses them.
  std::string render(json::array messages, bool with_tool = false) const {
    json::object context = variables_;
    context["messages"] = std::move(messages);
    context["add_generation_prompt"] = false;
    if (with_tool) context["tools"] = tools();
    const auto text = template_.render(context, kProbeTime);
    return text ? *text : "";
  }

  static bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

 private:
  static json::array tools() {
    const json::object schema = {{"type", "object"}, {"properties", {{"listed", {{"type", "string"}}}}}};
    const json::object function = {{"name", "probe_tool"}, {"description", "A tool"}, {"parameters", schema}};
    return {json::object{{"type", "function"}, {"function", function}}};
  }

  const ChatTemplate& template_;
  const json::object& variables_;
};

json::array call_conversation(bool as_object, bool with_null) {
  const json::object arguments = {{"probe_key", "probe_value"}};
  json::object function = {{"name", "probe_tool"}};
  function["arguments"] = as_object ? json::value(arguments) : json::value(json::serialize(arguments));
  json::object call = {{"id", "abcdef123"}, {"type", "function"}, {"function", function}};
  json::object answer = {{"role", "assistant"}};
  answer["content"] = with_null ? json::value(nullptr) : json::value("");
  answer["tool_calls"] = json::array{std::move(call)};
  const json::object result = {
      {"role", "tool"}, {"tool_call_id", "abcdef123"}, {"name", "probe_tool"}, {"content", "probe_result"}};
  return {chat_message("user", "probe_user"), std::move(answer), result};
}

/// Whether the call was written out as data. Python's way to print a dictionary, or a JSON text inside a JSON string,
/// is not what any model was trained on.
bool shows_call(const std::string& text) {
  return Probe::has(text, "probe_key") && !Probe::has(text, "'probe_key'") && !Probe::has(text, "\\\"probe_key") &&
         !Probe::has(text, "None");
}

void find_call_form(const Probe& probe, TemplateTraits& traits) {
  for (const bool as_object : {true, false}) {
    for (const bool with_null : {true, false}) {
      if (!shows_call(probe.render(call_conversation(as_object, with_null), true))) continue;
      traits.wants_objects = as_object;
      traits.wants_null = with_null;
      return;
    }
  }
}

}  // namespace

TemplateTraits TemplateTraits::of(const ChatTemplate& chat_template, std::string_view source,
                                  const json::object& variables) {
  const Probe probe(chat_template, variables);
  const auto names = [&](std::string_view word) { return source.find(word) != std::string_view::npos; };
  TemplateTraits traits;

  const json::array plain = {chat_message("user", "probe_user")};
  const json::object part = {{"type", "text"}, {"text", "probe_user"}};
  const json::object in_parts = {{"role", "user"}, {"content", json::array{part}}};
  traits.wants_parts =
      !Probe::has(probe.render(plain), "probe_user") && Probe::has(probe.render({in_parts}), "probe_user");
  const auto content = [&](std::string_view role, std::string_view text) -> json::object {
    if (!traits.wants_parts) return chat_message(role, text);
    return {{"role", role}, {"content", json::array{json::object{{"type", "text"}, {"text", text}}}}};
  };
  traits.has_system =
      Probe::has(probe.render({content("system", "probe_system"), content("user", "probe_user")}), "probe_system");
  traits.knows_developer = names("developer");
  traits.knows_effort = names("reasoning_effort");
  traits.wants_short_ids = names("length != 9") || names("length == 9");
  for (const char* member : {"reasoning_content", "thinking", "reasoning"}) {
    const std::string dotted = std::string(".") + member, quoted = std::string("['") + member,
                      get = std::string("\"") + member;
    if (!names(dotted) && !names(quoted) && !names(get)) continue;
    traits.reasoning_member = member;
    break;
  }
  find_call_form(probe, traits);
  return traits;
}

}  // namespace ondol
