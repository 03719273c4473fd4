// make_chat_prompt: messages through the model's template to tokens.
//
// What people and tools wrote must not become control tokens: where such a text ("<|im_end|>") stands in their
// messages, it goes through the template between two marks that no text has, and is tokenised as plain characters
// behind it.
#include <fmt/format.h>

#include "base/clock.h"
#include "runtime/conversation.h"
#include "server/chat.h"
#include "server/chat_messages.h"

namespace ondol::server {
namespace {

// U+FDD0 and U+FDD1 are noncharacters: no text for interchange has them.
constexpr std::string_view kPlainBegin = "\xEF\xB7\x90";
constexpr std::string_view kPlainEnd = "\xEF\xB7\x91";

/// Stands for the text that is to be continued: no template trims it or looks into it.
constexpr std::string_view kHere = "\xEF\xB7\x92here\xEF\xB7\x93";

/// What opens reasoning, for templates that leave that to the model and do not show it again.
constexpr std::string_view kReasoningBegins[] = {"<think>\n",          "[THINK]",      "<|channel|>analysis<|message|>",
                                                 "<|START_THINKING|>", "<seed:think>", "<thinking>\n"};

HttpError prompt_error(const std::string& message, const char* code = "") {
  HttpError error = make_error(400, message, code);
  error.parameter = "messages";
  return error;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// The longest control text that begins at `at`; 0 when there is none.
size_t control_length(std::string_view text, size_t at, const std::vector<std::string>& control_texts) {
  size_t longest = 0;
  for (const std::string& control : control_texts) {
    if (control.size() > longest && text.substr(at, control.size()) == control) longest = control.size();
  }
  return longest;
}

std::string marked(std::string_view text, const std::vector<std::string>& control_texts) {
  std::string clean(text);
  replace_all(clean, kPlainBegin, "\xEF\xBF\xBD");
  replace_all(clean, kPlainEnd, "\xEF\xBF\xBD");
  bool begins[256] = {};
  for (const std::string& control : control_texts) begins[static_cast<uint8_t>(control[0])] = true;
  std::string result;
  for (size_t at = 0; at < clean.size();) {
    const size_t n = begins[static_cast<uint8_t>(clean[at])] ? control_length(clean, at, control_texts) : 0;
    if (n == 0) {
      result += clean[at++];
      continue;
    }
    result.append(kPlainBegin).append(clean, at, n).append(kPlainEnd);
    at += n;
  }
  return result;
}

/// Marks the texts of users and tools.
json::array marked_messages(const json::array& messages, const LoadedModel& model) {
  json::array result = messages;
  for (json::value& message : result) {
    const std::string role = string_or(message, "role", "");
    const json::value* content = find_member(message, "content");
    if ((role != "user" && role != "tool") || content == nullptr || !content->is_string()) continue;
    message.as_object()["content"] = marked(content->get_string(), model.control_texts());
  }
  return result;
}

std::vector<TokenId> encode_marked(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<TokenId> tokens;
  const auto add = [&](std::string_view part, SpecialTokens special) {
    const auto more = tokenizer.encode(part, false, special);
    tokens.insert(tokens.end(), more.begin(), more.end());
  };
  while (!text.empty()) {
    const size_t begin = text.find(kPlainBegin);
    const size_t end = begin == std::string_view::npos ? begin : text.find(kPlainEnd, begin);
    if (end == std::string_view::npos) break;
    add(text.substr(0, begin), SpecialTokens::kParse);
    add(text.substr(begin + kPlainBegin.size(), end - begin - kPlainBegin.size()), SpecialTokens::kAsPlainText);
    text.remove_prefix(end + kPlainEnd.size());
  }
  // A template that takes texts apart may have lost one of a pair.
  std::string rest(text);
  replace_all(rest, kPlainBegin, "");
  replace_all(rest, kPlainEnd, "");
  if (!rest.empty()) add(rest, SpecialTokens::kParse);
  return tokens;
}

json::object variables_of(const LoadedModel& model, const ChatRequest& request) {
  const ReasoningWish& wish = request.reasoning;
  const TemplateTraits& traits = model.traits();
  json::object variables;
  std::optional<bool> is_wanted = wish.is_wanted;
  if (!is_wanted && wish.effort == "none") is_wanted = false;
  if (!is_wanted && wish.effort == "minimal" && !traits.knows_effort) is_wanted = false;
  if (!is_wanted && !wish.effort.empty()) is_wanted = true;
  if (!is_wanted && wish.budget == 0) is_wanted = false;
  if (is_wanted) {
    variables["enable_thinking"] = *is_wanted;
    variables["thinking"] = *is_wanted;
  }
  std::string effort = wish.effort;
  if (model.info().architecture == "gpt-oss") {
    // It knows three, and cannot be told not to think.
    if (effort == "minimal" || effort == "none") effort = "low";
    if (effort == "xhigh") effort = "high";
  }
  if (!effort.empty()) variables["reasoning_effort"] = effort;
  if (wish.budget >= 0) variables["thinking_budget"] = wish.budget;
  for (const auto& [key, value] : request.template_variables) variables[key] = value;
  return variables;
}

Result<std::string> render(const LoadedModel& model, const ChatRequest& request, const json::array& messages,
                           bool merges, bool opens_answer) {
  const json::array fitting = messages_for_template(model, messages, request.tools, merges);
  json::object context = template_context(model.tokenizer(), fitting, opens_answer);
  if (!request.tools.empty() && model.format().has_tools()) {
    json::array tools;
    for (const ToolDefinition& tool : request.tools) tools.push_back(tool_as_json(tool));
    context["tools"] = std::move(tools);
  }
  for (const auto& [key, value] : variables_of(model, request)) context[key] = value;
  return model.engine().chat_template()->render(context, ONDOL_TRY(now_unix_seconds()));
}

bool is_reasoning(const LoadedModel& model, const std::string& prompt) {
  return model.format().parser({}, prompt)->is_reasoning();
}

/// What the template writes up to the text of the last message that is to be continued; "" where it does not show that.
std::string rendered_before(const LoadedModel& model, const ChatRequest& request, json::array messages,
                            json::object last, bool merges) {
  const bool has_content = !string_or(last, "content", "").empty();
  last[has_content ? "content" : "reasoning_content"] = kHere;
  messages.push_back(std::move(last));
  const auto text = render(model, request, messages, merges, false);
  const size_t place = text ? text->rfind(kHere) : std::string::npos;
  return place == std::string::npos ? "" : text->substr(0, place);
}

/// What the answer begins with: what the template writes before the last message's text, as far as `text`, which ends
/// where an answer begins, does not have it, and that text. Where the template closes the reasoning that is to be
/// continued, `text` is given up for its rendering of that.
std::string prefill_of(const LoadedModel& model, const std::string& content, const std::string& reasoning,
                       const std::string& before, std::string& text) {
  const std::string& said = content.empty() ? reasoning : content;
  if (!before.empty() && before.starts_with(text)) return before.substr(text.size()) + said;
  if (is_reasoning(model, text)) {
    return content.empty() ? reasoning : reasoning + std::string(model.format().reasoning_end()) + content;
  }
  if (!content.empty() || reasoning.empty()) return content;
  if (!before.empty() && is_reasoning(model, before)) {
    text = before;
    return reasoning;
  }
  for (const std::string_view begin : kReasoningBegins) {
    if (is_reasoning(model, text + std::string(begin))) return std::string(begin) + reasoning;
  }
  return "";
}

}  // namespace

std::optional<HttpError> make_chat_prompt(const LoadedModel& model, const ChatRequest& request, ChatPrompt& prompt) {
  if (model.engine().chat_template() == nullptr) {
    return prompt_error(
        fmt::format("the model '{}' has no chat template: it continues texts (/v1/completions)", model.id()),
        "no_chat_template");
  }
  json::array messages = marked_messages(request.messages, model);
  json::value last;
  if (request.continues_last && !messages.empty()) {
    last = messages.back();
    messages.pop_back();
  }
  bool merges = false;
  auto text = render(model, request, messages, merges, request.opens_answer || last.is_object());
  if (!text) {
    // Many templates want roles in turn; what clients send often has two of a role.
    merges = true;
    auto second = render(model, request, messages, merges, request.opens_answer || last.is_object());
    if (!second) return prompt_error("the model's chat template refuses these messages: " + text.error().message());
    text = std::move(second);
  }
  const Tokenizer& tokenizer = model.tokenizer();
  if (last.is_object()) {
    const std::string content = string_or(last, "content", ""), reasoning = string_or(last, "reasoning_content", "");
    const std::string before = rendered_before(model, request, messages, last.get_object(), merges);
    prompt.prefill = prefill_of(model, content, reasoning, before, *text);
  }
  prompt.tokens = encode_marked(tokenizer, *text);
  // Most templates write the BOS token themselves; a second one harms.
  const bool wants_bos = tokenizer.adds_bos() && tokenizer.bos() != kNoToken;
  if (wants_bos && (prompt.tokens.empty() || prompt.tokens.front() != tokenizer.bos())) {
    prompt.tokens.insert(prompt.tokens.begin(), tokenizer.bos());
  }
  prompt.text = std::move(*text);
  replace_all(prompt.text, kPlainBegin, "");
  replace_all(prompt.text, kPlainEnd, "");
  if (!prompt.prefill.empty()) {
    prompt.prefill_tokens = tokenizer.encode(prompt.prefill, false, SpecialTokens::kParse);
    prompt.tokens.insert(prompt.tokens.end(), prompt.prefill_tokens.begin(), prompt.prefill_tokens.end());
  }
  return {};
}

}  // namespace ondol::server
