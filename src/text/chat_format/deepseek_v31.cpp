// DeepSeek V3.1: name, separator, arguments.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/named_calls.h"

namespace ondol::chat_format {
namespace {

constexpr const char* kCallsBegin =
    "<\xEF\xBD\x9C"
    "tool\xE2\x96\x81"
    "calls\xE2\x96\x81"
    "begin\xEF\xBD\x9C"
    ">";

}  // namespace

Dialect deepseek_v31() {
  Dialect dialect;
  dialect.name = "deepseek-v3.1";
  dialect.recognises = [](std::string_view source) {
    return contains(source, kCallsBegin) && !contains(source, "```json");
  };
  dialect.calls = named_calls({.block_begin = kCallsBegin,
                               .block_end = "<\xEF\xBD\x9C"
                                            "tool\xE2\x96\x81"
                                            "calls\xE2\x96\x81"
                                            "end\xEF\xBD\x9C"
                                            ">",
                               .call_begin = "<\xEF\xBD\x9C"
                                             "tool\xE2\x96\x81"
                                             "call\xE2\x96\x81"
                                             "begin\xEF\xBD\x9C"
                                             ">",
                               .header_ends = {"<\xEF\xBD\x9C"
                                               "tool\xE2\x96\x81"
                                               "sep\xEF\xBD\x9C"
                                               ">"},
                               .call_end = "<\xEF\xBD\x9C"
                                           "tool\xE2\x96\x81"
                                           "call\xE2\x96\x81"
                                           "end\xEF\xBD\x9C"
                                           ">"});
  return dialect;
}

}  // namespace ondol::chat_format
