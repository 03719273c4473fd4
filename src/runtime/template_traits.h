// TemplateTraits: in which form a chat template wants what OpenAI's message form leaves open, found by rendering small
// conversations and looking at what comes out.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "text/chat_template.h"

namespace ondol {

struct TemplateTraits {
  bool has_system = true;        // system messages are rendered
  bool wants_parts = false;      // content as a list of parts, not as a string
  bool wants_objects = true;     // arguments of calls as JSON objects, not as texts
  bool wants_null = true;        // content of messages that only call tools: null, not ""
  bool knows_developer = false;  // the role
  bool knows_effort = false;     // the variable reasoning_effort
  bool wants_short_ids = false;  // ids of calls: nine letters and digits
  std::string reasoning_member;  // of a message: "reasoning_content", "thinking" or "reasoning"; "" is none

  /// `variables` are what every rendering gets: bos_token and eos_token.
  static TemplateTraits of(const ChatTemplate& chat_template, std::string_view source, const json::object& variables);
};

}  // namespace ondol
