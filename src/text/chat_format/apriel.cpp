// Apriel 1.5: reasoning steps up to a marker of the final response; <tool_calls>[{"name", "arguments"}]</tool_calls>.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/json_calls.h"

namespace ondol::chat_format {

Dialect apriel() {
  Dialect dialect;
  dialect.name = "apriel";
  dialect.recognises = [](std::string_view source) { return contains(source, "[BEGIN FINAL RESPONSE]"); };
  dialect.reasoning = {.open = "Here are my reasoning steps:",
                       .close = "[BEGIN FINAL RESPONSE]",
                       .after_close = "\n",
                       .calls_within = true};
  dialect.silent = {"[BEGIN FINAL RESPONSE]", "[END FINAL RESPONSE]"};
  dialect.calls = json_calls({.begins = {"<tool_calls>"}, .ends = {"</tool_calls>"}, .list = true, .id_after = "id"});
  return dialect;
}

}  // namespace ondol::chat_format
