#include "runtime/conversation.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "runtime/chat_style.h"

namespace ondol {

json::object chat_message(std::string_view role, std::string_view content) {
  json::object message;
  message["role"] = role;
  message["content"] = content;
  return message;
}

json::object template_context(const Tokenizer& tokenizer, const json::array& messages, bool add_generation_prompt) {
  json::object context;
  context["messages"] = messages;
  context["add_generation_prompt"] = add_generation_prompt;
  if (tokenizer.bos() != kNoToken) context["bos_token"] = tokenizer.token_text(tokenizer.bos());
  if (tokenizer.eos() != kNoToken) context["eos_token"] = tokenizer.token_text(tokenizer.eos());
  return context;
}

Result<std::vector<TokenId>> conversation_tokens(const Engine& engine, const json::array& messages,
                                                 const json::object& variables) {
  const ChatTemplate* chat_template = engine.chat_template();
  if (chat_template == nullptr) {
    return Error(fmt::format("{}: the model has no chat template; use --raw to continue the text as it stands",
                             engine.file().path()));
  }
  const Tokenizer& tokenizer = engine.tokenizer();
  const int64_t now = ONDOL_TRY(now_unix_seconds());
  json::object input;
  input["messages"] = messages;
  const auto render = [&](const json::object& given) {
    json::object context = template_context(tokenizer, given.at("messages").as_array(), true);
    for (const auto& [name, value] : variables) context[name] = value;
    return chat_template->render(context, now);
  };
  const PromptText prompt = ONDOL_TRY(render_prompt(SpecialTexts(tokenizer), input, render));
  return prompt_tokens(tokenizer, prompt);
}

std::vector<TokenId> raw_tokens(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.encode(text, true, SpecialTokens::kParse);
}

}  // namespace ondol
