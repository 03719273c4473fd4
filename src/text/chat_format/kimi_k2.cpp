// Kimi K2: a section of calls whose header is their id, functions.name:number.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/named_calls.h"

namespace ondol::chat_format {
namespace {

void split(std::string_view header, std::string& name, std::string& id) {
  id = header;
  constexpr std::string_view kSpace = "functions.";
  if (header.starts_with(kSpace)) header.remove_prefix(kSpace.size());
  name = header.substr(0, header.rfind(':'));
}

}  // namespace

Dialect kimi_k2() {
  Dialect dialect;
  dialect.name = "kimi-k2";
  dialect.recognises = [](std::string_view source) { return contains(source, "<|tool_calls_section_begin|>"); };
  dialect.calls = named_calls({.block_begin = "<|tool_calls_section_begin|>",
                               .block_end = "<|tool_calls_section_end|>",
                               .call_begin = "<|tool_call_begin|>",
                               .header_before = "functions.",
                               .header_number = ":",
                               .header_ends = {"<|tool_call_argument_begin|>"},
                               .call_end = "<|tool_call_end|>",
                               .split = split});
  return dialect;
}

}  // namespace ondol::chat_format
