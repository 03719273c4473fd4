// Granite 3.x: <|tool_call|>[{"name", "arguments"}], reasoning and response in tags.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/json_calls.h"

namespace ondol::chat_format {

Dialect granite() {
  Dialect dialect;
  dialect.name = "granite";
  dialect.recognises = [](std::string_view source) {
    return contains(source, "<|start_of_role|>") && contains(source, "<|tool_call|>");
  };
  dialect.answer_open = "<response>";
  dialect.answer_close = "</response>";
  dialect.calls = json_calls({.begins = {"<|tool_call|>", "<tool_call>"}, .ends = {}, .list = true});
  return dialect;
}

}  // namespace ondol::chat_format
