// Command R and R+: a list of actions in a fence, after the word Action.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/json_calls.h"

namespace ondol::chat_format {

Dialect command_r_plus() {
  Dialect dialect;
  dialect.name = "command-r-plus";
  dialect.recognises = [](std::string_view source) {
    return contains(source, "Action:") && contains(source, "tool_name");
  };
  dialect.calls = json_calls({.begins = {"Action:\n```json\n", "Action: ```json\n", "Action:```json\n"},
                              .ends = {"```"},
                              .list = true,
                              .name_key = "tool_name",
                              .arguments_key = "parameters",
                              .indented = true});
  return dialect;
}

}  // namespace ondol::chat_format
