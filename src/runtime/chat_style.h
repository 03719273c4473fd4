// ChatStyle: how a model wants a conversation written, worked out once from its template; and conversations rendered
// with it.
//
// Messages are OpenAI's, with these rules:
//   role                system, developer, user, assistant or tool
//   content             a string, or null
//   reasoning_content   of assistant messages: a string, or absent
//   tool_calls          of assistant messages: {id, type: "function", function: {name, arguments: an object}}
//   tool_call_id, name  of tool messages, where known
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "runtime/template_traits.h"
#include "text/chat_format.h"
#include "text/prompt_text.h"
#include "text/tokenizer.h"

namespace ondol {

struct ChatStyle {
  std::shared_ptr<const ChatFormat> format;
  TemplateTraits traits;
  SpecialTexts special_texts;

  /// `source` is the template's; a null template gives the plain style.
  static ChatStyle of(const ChatTemplate* chat_template, std::string_view source, const Tokenizer& tokenizer);
};

/// A conversation to be rendered.
struct ChatInput {
  json::array messages;
  std::vector<ToolDefinition> tools;
  json::object variables;    // further ones for the template (enable_thinking, ...)
  bool merges = false;       // for templates that want one system message at the head, and roles in turn
  bool opens_answer = true;  // ends with what the template writes before an answer
};

/// What people and tools write must not become control tokens, which end turns and begin calls (prompt_text.h). Errors
/// are the template's own: it refuses these messages.
Result<PromptText> render_chat(const ChatTemplate& chat_template, const Tokenizer& tokenizer, const ChatStyle& style,
                               const ChatInput& chat);

/// With the BOS token where the model wants one and the template did not write it.
std::vector<TokenId> prompt_tokens(const Tokenizer& tokenizer, const PromptText& prompt);

/// The messages as the template wants them; `tools` are put into words where it does not render them.
json::array messages_for_template(const ChatStyle& style, const json::array& messages,
                                  const std::vector<ToolDefinition>& tools, bool merges);

/// {id, type: "function", function: {name, arguments}}
json::object make_tool_call(std::string_view id, std::string_view name, const json::value& arguments);

/// A tool as templates and OpenAI write it.
json::object tool_as_json(const ToolDefinition& tool);

}  // namespace ondol
