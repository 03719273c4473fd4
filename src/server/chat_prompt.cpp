// make_chat_prompt: messages through the model's template to tokens.
//
// What people and tools write must not become control tokens, which end turns and begin calls (prompt_text.h). An
// answer that is to be continued is the client's own, and in the model's own markup.
#include <fmt/format.h>

#include "runtime/chat_style.h"
#include "server/chat.h"

namespace ondol::server {
namespace {

/// Stands for the text that is to be continued: no template trims it or looks into it. U+FDD2 and U+FDD3 are in no
/// text.
constexpr std::string_view kHere = "\xEF\xB7\x92here\xEF\xB7\x93";

/// What opens reasoning, for templates that leave that to the model and do not show it again.
constexpr std::string_view kReasoningBegins[] = {"<think>\n",          "[THINK]",      "<|channel|>analysis<|message|>",
                                                 "<|START_THINKING|>", "<seed:think>", "<thinking>\n"};

HttpError prompt_error(const std::string& message, const char* code = "") {
  HttpError error = make_error(400, message, code);
  error.parameter = "messages";
  return error;
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

Result<PromptText> rendered(const LoadedModel& model, const ChatRequest& request, const json::array& messages,
                            bool merges, bool opens_answer) {
  ChatInput chat;
  chat.messages = messages;
  chat.tools = request.tools;
  chat.variables = variables_of(model, request);
  chat.merges = merges;
  chat.opens_answer = opens_answer;
  return render_chat(*model.engine().chat_template(), model.tokenizer(), model.style(), chat);
}

bool is_reasoning(const LoadedModel& model, const std::string& prompt) {
  return model.format().parser({}, prompt)->is_reasoning();
}

/// What the template writes up to the text of the last message that is to be continued; "" where it does not show that.
PromptText rendered_before(const LoadedModel& model, const ChatRequest& request, json::array messages,
                           json::object last, bool merges) {
  const bool has_content = !string_or(last, "content", "").empty();
  last[has_content ? "content" : "reasoning_content"] = kHere;
  messages.push_back(std::move(last));
  auto before = rendered(model, request, messages, merges, false);
  const size_t place = before ? before->text.rfind(kHere) : std::string::npos;
  if (place == std::string::npos) return {};
  before->text.resize(place);
  std::erase_if(before->plain, [&](size_t at) { return at >= place; });
  return std::move(*before);
}

/// What the answer begins with: what the template writes before the last message's text, as far as `text`, which ends
/// where an answer begins, does not have it, and that text. Where the template closes the reasoning that is to be
/// continued, `text` is given up for its rendering of that.
std::string prefill_of(const LoadedModel& model, const std::string& content, const std::string& reasoning,
                       const PromptText& before, PromptText& text) {
  const std::string& said = content.empty() ? reasoning : content;
  if (!before.text.empty() && before.text.starts_with(text.text)) return before.text.substr(text.text.size()) + said;
  if (is_reasoning(model, text.text)) {
    return content.empty() ? reasoning : reasoning + std::string(model.format().reasoning_end()) + content;
  }
  if (!content.empty() || reasoning.empty()) return content;
  if (!before.text.empty() && is_reasoning(model, before.text)) {
    text = before;
    return reasoning;
  }
  for (const std::string_view begin : kReasoningBegins) {
    if (is_reasoning(model, text.text + std::string(begin))) return std::string(begin) + reasoning;
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
  json::array messages = request.messages;
  json::value last;
  if (request.continues_last && !messages.empty()) {
    last = messages.back();
    messages.pop_back();
  }
  bool merges = false;
  auto text = rendered(model, request, messages, merges, request.opens_answer || last.is_object());
  if (!text) {
    // Many templates want roles in turn; what clients send often has two of a role.
    merges = true;
    auto second = rendered(model, request, messages, merges, request.opens_answer || last.is_object());
    if (!second) return prompt_error("the model's chat template refuses these messages: " + text.error().message());
    text = std::move(second);
  }
  const Tokenizer& tokenizer = model.tokenizer();
  if (last.is_object()) {
    const std::string content = string_or(last, "content", ""), reasoning = string_or(last, "reasoning_content", "");
    const PromptText before = rendered_before(model, request, messages, last.get_object(), merges);
    prompt.prefill = prefill_of(model, content, reasoning, before, *text);
  }
  prompt.tokens = prompt_tokens(tokenizer, *text);
  prompt.text = std::move(text->text);
  if (!prompt.prefill.empty()) {
    prompt.prefill_tokens = tokenizer.encode(prompt.prefill, false, SpecialTokens::kParse);
    prompt.tokens.insert(prompt.tokens.end(), prompt.prefill_tokens.begin(), prompt.prefill_tokens.end());
  }
  return {};
}

}  // namespace ondol::server
