// Jamba and others: <tool_calls>[{"name", "arguments"}]</tool_calls>.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/json_calls.h"

namespace ondol::chat_format {

Dialect tool_calls_list() {
  Dialect dialect;
  dialect.name = "tool-calls-list";
  dialect.recognises = [](std::string_view source) { return contains(source, "<tool_calls>["); };
  dialect.calls = json_calls({.begins = {"<tool_calls>"}, .ends = {"</tool_calls>"}, .list = true});
  return dialect;
}

}  // namespace ondol::chat_format
