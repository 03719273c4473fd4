// DeepSeek V3.2 and V4: tags whose names begin with a mark of their own, and which say of each parameter whether it is
// a string.
#include "text/chat_format/arguments.h"
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/tagged_calls.h"

namespace ondol::chat_format {
namespace {

constexpr const char* kMark =
    "\xEF\xBD\x9C"
    "DSML\xEF\xBD\x9C";

std::string read_name(std::string_view header) {
  return std::string(header.substr(0, header.find('"')));
}

TaggedKey read_key(std::string_view header) {
  const bool is_string = header.find("string=\"true\"") != std::string_view::npos;
  const bool is_other = header.find("string=\"false\"") != std::string_view::npos;
  return {read_name(header), is_string ? kStringType : is_other ? kAnyType & ~kStringType : 0u};
}

std::shared_ptr<const CallSyntax> calls(std::string_view block) {
  const std::string mark = kMark;
  const std::string open = "<" + mark;
  const std::string close = "</" + mark;
  return tagged_calls({.block_begin = open + std::string(block) + ">",
                       .block_end = close + std::string(block) + ">",
                       .call_begin = open + "invoke name=\"",
                       .name_end = ">",
                       .call_end = close + "invoke>",
                       .key_begin = open + "parameter name=\"",
                       .key_end = ">",
                       .value_end = close + "parameter>",
                       .after_block_begin = "\n",
                       .after_name = "\n",
                       .after_value = "\n",
                       .after_call = "\n",
                       .read_name = read_name,
                       .read_key = read_key,
                       .write_name = [](std::string_view name, int) { return std::string(name) + "\""; },
                       .write_key =
                           [](std::string_view key, unsigned types) {
                             return std::string(key) +
                                    (types == kStringType ? "\" string=\"true\"" : "\" string=\"false\"");
                           }});
}

}  // namespace

Dialect deepseek_v4() {
  Dialect dialect;
  dialect.name = "deepseek-v4";
  dialect.recognises = [](std::string_view source) {
    return contains(source, kMark) && contains(source, "tool_calls>");
  };
  dialect.calls = calls("tool_calls");
  return dialect;
}

Dialect deepseek_v32() {
  Dialect dialect;
  dialect.name = "deepseek-v3.2";
  dialect.recognises = [](std::string_view source) {
    return contains(source, kMark) && contains(source, "function_calls>");
  };
  dialect.calls = calls("function_calls");
  return dialect;
}

}  // namespace ondol::chat_format
