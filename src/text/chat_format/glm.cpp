// GLM 4.5 to 4.7: the name, then <arg_key> and <arg_value>; Laguna writes them on lines of their own.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/tagged_calls.h"

namespace ondol::chat_format {
namespace {

std::shared_ptr<const CallSyntax> calls(const std::string& line_break) {
  return tagged_calls({.call_begin = "<tool_call>",
                       .call_end = "</tool_call>",
                       .key_begin = "<arg_key>",
                       .key_end = "</arg_key>",
                       .value_begin = "<arg_value>",
                       .value_end = "</arg_value>",
                       .after_name = line_break,
                       .after_key = line_break,
                       .after_value = line_break});
}

}  // namespace

Dialect glm() {
  Dialect dialect;
  dialect.name = "glm";
  dialect.recognises = [](std::string_view source) { return contains(source, "<arg_key>"); };
  dialect.calls = calls("");
  return dialect;
}

Dialect laguna() {
  Dialect dialect;
  dialect.name = "laguna";
  dialect.recognises = [](std::string_view source) {
    return contains(source, "<arg_key>") && contains(source, "</assistant>");
  };
  dialect.silent = {"</assistant>"};
  dialect.calls = calls("\n");
  return dialect;
}

}  // namespace ondol::chat_format
