// Hunyuan A13B: calls with a fence each, the answer in tags.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/named_calls.h"

namespace ondol::chat_format {

Dialect hunyuan() {
  Dialect dialect;
  dialect.name = "hunyuan";
  dialect.recognises = [](std::string_view source) {
    return contains(source, "<tool_calls>") && contains(source, "```json");
  };
  dialect.answer_open = "<answer>";
  dialect.answer_close = "</answer>";
  dialect.calls = named_calls({.block_begin = "<tool_calls>",
                               .block_end = "</tool_calls>",
                               .call_begin = "<tool_call>",
                               .header_ends = {"\n"},
                               .fence = true,
                               .call_end = "</tool_call>"});
  return dialect;
}

}  // namespace ondol::chat_format
