// Phi-4 mini: <|tool_call|>[{"name", "arguments"}]<|/tool_call|>.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/json_calls.h"

namespace ondol::chat_format {

Dialect phi4() {
  Dialect dialect;
  dialect.name = "phi-4";
  dialect.recognises = [](std::string_view source) {
    return contains(source, "<|/tool_call|>") || contains(source, "<|/tool|>");
  };
  dialect.calls = json_calls({.begins = {"<|tool_call|>", "functools"}, .ends = {"<|/tool_call|>"}, .list = true});
  return dialect;
}

}  // namespace ondol::chat_format
