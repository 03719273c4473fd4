// LFM2 and LFM2.5: <|tool_call_start|>[name(key=value)]<|tool_call_end|>. Their templates render no calls, only tools.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/python_calls.h"

namespace ondol::chat_format {

Dialect lfm2() {
  Dialect dialect;
  dialect.name = "lfm2";
  dialect.recognises = [](std::string_view source) {
    return contains(source, "<|tool_call_start|>") || contains(source, "<|tool_list_start|>") ||
           contains(source, "List of tools: [");
  };
  dialect.calls = python_calls({.begin = "<|tool_call_start|>", .end = "<|tool_call_end|>", .list = true});
  return dialect;
}

}  // namespace ondol::chat_format
