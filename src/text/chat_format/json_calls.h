// Calls written as JSON objects that hold name and arguments, alone or in a list, between markers or without any.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/chat_format/dialect.h"

namespace ondol::chat_format {

struct JsonCallStyle {
  std::vector<std::string> begins;  // markers that open a block; the first is the one to write
  std::vector<std::string> ends;    // markers that close it, or empty
  bool list = false;                // a block is a list of calls
  std::string name_key = "name";    // keys as templates write them; readers know other spellings, too
  std::string arguments_key = "arguments";
  std::string id_before = "";  // a key that comes first and holds the call's number within the conversation
  std::string id_after = "";   // a key that comes last and holds an id
  bool name_is_key = false;    // {"get_weather": {arguments}}
  bool indented = false;       // line breaks between the members of a call
  bool bare = false;           // content that begins with a call's JSON is one, without markers
};

std::shared_ptr<const CallSyntax> json_calls(JsonCallStyle style);

}  // namespace ondol::chat_format
