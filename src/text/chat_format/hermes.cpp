// Hermes and Qwen 2.5 to 3, Granite 4, MiMo, Reka, Bielik, EXAONE 4 and many others: <tool_call>{"name",
// "arguments"}</tool_call>. Also the format of templates in which nothing is recognised.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/json_calls.h"

namespace ondol::chat_format {

Dialect hermes() {
  Dialect dialect;
  dialect.name = "hermes";
  dialect.recognises = [](std::string_view source) { return contains(source, "<tool_call>"); };
  dialect.calls = json_calls({.begins = {"<tool_call>"}, .ends = {"</tool_call>"}});
  return dialect;
}

}  // namespace ondol::chat_format
