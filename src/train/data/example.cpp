#include "train/data/example.h"

#include <array>

#include <fmt/format.h>

#include "train/data/message_reader.h"

namespace ondol::train {
namespace {

const json::value* find(const json::object& record, std::string_view key) {
  const json::value* value = record.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool has(const json::object& record, std::string_view key) {
  return find(record, key) != nullptr;
}

Result<std::string> required_text(const json::object& record, std::string_view key) {
  const json::value* value = find(record, key);
  if (value == nullptr) return Error(fmt::format("'{}': expected a string, got nothing", key));
  if (!value->is_string()) return Error(fmt::format("'{}': expected a string, got {}", key, kind_name(*value)));
  return std::string(value->get_string());
}

json::object message(std::string_view role, std::string_view content) {
  json::object result;
  result["role"] = role;
  result["content"] = content;
  return result;
}

/// A string as the one message of a role, or a list of messages.
Result<json::array> text_or_messages(const json::object& record, std::string_view key, std::string_view role) {
  const json::value* value = find(record, key);
  if (value != nullptr && value->is_string()) return json::array{message(role, value->get_string())};
  if (value != nullptr && value->is_object()) return read_messages(json::array{*value}, key, nullptr);
  if (value == nullptr || !value->is_array()) {
    return Error(fmt::format("'{}': expected a string or a list of messages, got {}", key,
                             value == nullptr ? "nothing" : kind_name(*value)));
  }
  return read_messages(value->get_array(), key, nullptr);
}

bool is_assistant(const json::value& message) {
  return string_or(message, "role", "") == "assistant";
}

void append(json::array& list, const json::array& more) {
  for (const json::value& value : more) list.push_back(value);
}

/// `answer` is learned, where the assistant speaks in it.
Exchange make_exchange(const json::array& prompt, const json::array& answer, const json::array& tools) {
  Exchange exchange;
  exchange.messages = prompt;
  append(exchange.messages, answer);
  for (size_t i = 0; i < exchange.messages.size(); ++i) {
    exchange.is_answer.push_back(i >= prompt.size() && is_assistant(exchange.messages[i]));
  }
  exchange.tools = tools;
  return exchange;
}

Result<void> require_answer(const Exchange& exchange, std::string_view key) {
  for (const bool is_answer : exchange.is_answer) {
    if (is_answer) return {};
  }
  return Error(fmt::format("'{}': expected a message of the assistant to learn from, got none", key));
}

Result<Exchange> read_conversation(const json::object& record, std::string_view key, bool is_share_gpt) {
  const json::value* list = find(record, key);
  if (list == nullptr || !list->is_array()) {
    return Error(
        fmt::format("'{}': expected a list of messages, got {}", key, list == nullptr ? "nothing" : kind_name(*list)));
  }
  Exchange exchange;
  std::vector<bool> is_learned;
  exchange.messages = is_share_gpt ? ONDOL_TRY(read_share_gpt(list->get_array(), key))
                                   : ONDOL_TRY(read_messages(list->get_array(), key, &is_learned));
  for (size_t i = 0; i < exchange.messages.size(); ++i) {
    exchange.is_answer.push_back(is_assistant(exchange.messages[i]) && (is_share_gpt || is_learned[i]));
  }
  if (is_share_gpt && has(record, "system") &&
      string_or(exchange.messages.empty() ? json::value() : exchange.messages[0], "role", "") != "system") {
    exchange.messages.insert(exchange.messages.begin(), message("system", ONDOL_TRY(required_text(record, "system"))));
    exchange.is_answer.insert(exchange.is_answer.begin(), false);
  }
  exchange.tools = ONDOL_TRY(read_tools(record));
  ONDOL_TRY(require_answer(exchange, key));
  return exchange;
}

Result<Exchange> read_alpaca(const json::object& record) {
  std::string asked = ONDOL_TRY(required_text(record, "instruction"));
  if (has(record, "input")) {
    const std::string input = ONDOL_TRY(required_text(record, "input"));
    if (!input.empty()) asked += (asked.empty() ? "" : "\n\n") + input;
  }
  json::array prompt;
  if (has(record, "system")) {
    const std::string system = ONDOL_TRY(required_text(record, "system"));
    if (!system.empty()) prompt.push_back(message("system", system));
  }
  prompt.push_back(message("user", asked));
  return make_exchange(prompt, {message("assistant", ONDOL_TRY(required_text(record, "output")))}, {});
}

bool is_text(const json::object& record, std::string_view key) {
  const json::value* value = find(record, key);
  return value != nullptr && value->is_string();
}

Result<Exchange> read_prompt_and(const json::object& record, std::string_view key) {
  const json::array prompt = ONDOL_TRY(text_or_messages(record, "prompt", "user"));
  const json::array answer = ONDOL_TRY(text_or_messages(record, key, "assistant"));
  Exchange exchange = make_exchange(prompt, answer, ONDOL_TRY(read_tools(record)));
  exchange.is_plain = is_text(record, "prompt") && is_text(record, key);
  ONDOL_TRY(require_answer(exchange, key));
  return exchange;
}

Result<void> read_preference(const json::object& record, Example& example) {
  if (has(record, "prompt")) {
    example.exchanges.push_back(ONDOL_TRY(read_prompt_and(record, "chosen")));
    example.exchanges.push_back(ONDOL_TRY(read_prompt_and(record, "rejected")));
    return {};
  }
  if (is_text(record, "chosen")) return Error("'prompt': expected the text that both answers follow, got nothing");
  // Two whole conversations: the prompt is what they have in common.
  const json::array chosen = ONDOL_TRY(text_or_messages(record, "chosen", "assistant"));
  const json::array rejected = ONDOL_TRY(text_or_messages(record, "rejected", "assistant"));
  size_t n = 0;
  while (n < chosen.size() && n < rejected.size() && chosen[n] == rejected[n]) ++n;
  const json::array prompt(chosen.begin(), chosen.begin() + n);
  const json::array tools = ONDOL_TRY(read_tools(record));
  for (const json::array* list : {&chosen, &rejected}) {
    example.exchanges.push_back(make_exchange(prompt, json::array(list->begin() + n, list->end()), tools));
    ONDOL_TRY(require_answer(example.exchanges.back(), list == &chosen ? "chosen" : "rejected"));
  }
  return {};
}

Result<bool> read_label(const json::object& record) {
  const json::value* label = find(record, "label");
  if (label != nullptr && label->is_bool()) return label->get_bool();
  if (label != nullptr && label->is_int64() && (label->get_int64() == 0 || label->get_int64() == 1)) {
    return label->get_int64() == 1;
  }
  return Error(fmt::format("'label': expected true or false, got {}",
                           label == nullptr ? "nothing" : json::serialize(*label).substr(0, 60)));
}

Result<void> fill(const json::object& record, Example& example) {
  switch (example.format) {
    case Format::kText:
      example.text = ONDOL_TRY(required_text(record, "text"));
      return {};
    case Format::kPreference:
      return read_preference(record, example);
    case Format::kMessages:
      example.exchanges.push_back(ONDOL_TRY(read_conversation(record, "messages", false)));
      return {};
    case Format::kShareGpt:
      example.exchanges.push_back(ONDOL_TRY(read_conversation(record, "conversations", true)));
      return {};
    case Format::kAlpaca:
      example.exchanges.push_back(ONDOL_TRY(read_alpaca(record)));
      return {};
    case Format::kJudged:
      example.is_desirable = ONDOL_TRY(read_label(record));
      [[fallthrough]];
    case Format::kPromptCompletion:
      example.exchanges.push_back(ONDOL_TRY(read_prompt_and(record, "completion")));
      return {};
  }
  return {};
}

}  // namespace

std::string_view format_name(Format format) {
  constexpr std::array<std::string_view, 7> kNames = {"messages",
                                                      "ShareGPT (conversations)",
                                                      "Alpaca (instruction, output)",
                                                      "prompt and completion",
                                                      "text",
                                                      "preferences (chosen, rejected)",
                                                      "judged answers (prompt, completion, label)"};
  return kNames[static_cast<size_t>(format)];
}

Result<Format> detect_format(const json::value& record) {
  const json::object* object = record.if_object();
  if (object == nullptr) return Error(fmt::format("expected a JSON object, got {}", kind_name(record)));
  if (has(*object, "chosen") && has(*object, "rejected")) return Format::kPreference;
  if (has(*object, "prompt") && has(*object, "completion")) {
    return has(*object, "label") ? Format::kJudged : Format::kPromptCompletion;
  }
  if (has(*object, "messages")) return Format::kMessages;
  if (has(*object, "conversations")) return Format::kShareGpt;
  if (has(*object, "instruction") && object->contains("output")) return Format::kAlpaca;
  if (has(*object, "text")) return Format::kText;
  std::string members;
  for (const auto& [key, value] : *object) {
    if (members.size() > 200) break;
    members += fmt::format("{}'{}'", members.empty() ? "" : ", ", std::string_view(key).substr(0, 60));
  }
  return Error(
      fmt::format("expected 'messages', 'conversations', 'instruction' and 'output', 'prompt' and 'completion', "
                  "'text', or 'prompt', 'chosen' and 'rejected', got {}; hint: rename the members",
                  members.empty() ? "no member" : members));
}

bool can_be_mixed(Format one, Format other) {
  const auto stands_alone = [](Format format) { return format == Format::kPreference || format == Format::kJudged; };
  return one == other || (!stands_alone(one) && !stands_alone(other));
}

Result<Example> read_example(const json::value& record, Format first) {
  Example example;
  example.format = ONDOL_TRY(detect_format(record));
  if (!can_be_mixed(first, example.format)) {
    return Error(fmt::format("expected {} as in the records before, got {}; hint: train with each kind by itself",
                             format_name(first), format_name(example.format)));
  }
  const json::object& object = record.get_object();
  ONDOL_TRY(fill(object, example));
  if (const json::value* variables = find(object, "chat_template_kwargs")) {
    if (!variables->is_object()) {
      return Error(fmt::format("'chat_template_kwargs': expected an object, got {}", kind_name(*variables)));
    }
    example.template_variables = variables->get_object();
  }
  return example;
}

}  // namespace ondol::train
