// Conversation: chat messages to the tokens that the model expects, through its own template.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "runtime/engine.h"

namespace ondol {

/// {"role": role, "content": content}
json::object chat_message(std::string_view role, std::string_view content);

/// The variables of a template: messages, bos_token, eos_token, add_generation_prompt.
json::object template_context(const Tokenizer& tokenizer, const json::array& messages, bool add_generation_prompt);

/// Tokens of the conversation, ready for the assistant's answer. The texts of special tokens in messages are ordinary
/// characters (prompt_text.h). Fails when the model has no template (hint: --raw), or
/// the template refuses the messages. `variables` are further ones for the template (enable_thinking, ...).
Result<std::vector<TokenId>> conversation_tokens(const Engine& engine, const json::array& messages,
                                                 const json::object& variables = {});

/// Tokens of `text` as it stands, with the BOS token where the model has one. Special tokens in the text count as such.
std::vector<TokenId> raw_tokens(const Tokenizer& tokenizer, std::string_view text);

}  // namespace ondol
