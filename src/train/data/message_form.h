// MessageForm: the form in which a chat template wants what OpenAI's messages leave open, found by rendering small
// conversations and looking at what comes out.
#pragma once

#include <string>

#include "base/json.h"
#include "text/chat_template.h"

namespace ondol::train {

struct MessageForm {
  bool has_system = true;        // system messages are rendered
  bool has_tools = true;         // definitions of tools are
  bool has_calls = true;         // calls of tools are
  bool wants_parts = false;      // content as a list of parts
  bool wants_objects = true;     // arguments of calls as objects, not as JSON texts
  bool wants_null = true;        // content of messages that only call tools: null, not ""
  bool knows_developer = false;  // the role
  bool wants_short_ids = false;  // of calls: nine letters and digits
  std::string reasoning_member;  // "" where a template shows none

  /// `variables` are what every rendering gets: bos_token and eos_token.
  static MessageForm of(const ChatTemplate& chat_template, const json::object& variables);

  /// The messages in this form. System messages that the template does not know go before the first user message.
  json::array fit(const json::array& messages) const;
};

}  // namespace ondol::train
