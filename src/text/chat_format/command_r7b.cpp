// Command R7B, Command A: everything between markers of its own.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/json_calls.h"

namespace ondol::chat_format {

Dialect command_r7b() {
  Dialect dialect;
  dialect.name = "command-r7b";
  dialect.recognises = [](std::string_view source) { return contains(source, "<|START_ACTION|>"); };
  dialect.reasoning = {.open = "<|START_THINKING|>", .close = "<|END_THINKING|>", .anywhere = true};
  dialect.silent = {"<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>"};
  dialect.calls = json_calls({.begins = {"<|START_ACTION|>"},
                              .ends = {"<|END_ACTION|>"},
                              .list = true,
                              .name_key = "tool_name",
                              .arguments_key = "parameters",
                              .id_before = "tool_call_id",
                              .indented = true});
  return dialect;
}

}  // namespace ondol::chat_format
