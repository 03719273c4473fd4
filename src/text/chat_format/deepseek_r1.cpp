// DeepSeek V3 (2024) and R1: the type of a call, its name, and the arguments in a fence.
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
constexpr const char* kSeparator =
    "<\xEF\xBD\x9C"
    "tool\xE2\x96\x81"
    "sep\xEF\xBD\x9C"
    ">";

void split(std::string_view header, std::string& name, std::string&) {
  const size_t at = header.find(kSeparator);
  if (at != std::string_view::npos) name = header.substr(at + std::string_view(kSeparator).size());
}

}  // namespace

Dialect deepseek_r1() {
  Dialect dialect;
  dialect.name = "deepseek-r1";
  dialect.recognises = [](std::string_view source) { return contains(source, kCallsBegin); };
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
                               .header_before = std::string("function") + kSeparator,
                               .header_ends = {"\n"},
                               .fence = true,
                               .call_end = "<\xEF\xBD\x9C"
                                           "tool\xE2\x96\x81"
                                           "call\xE2\x96\x81"
                                           "end\xEF\xBD\x9C"
                                           ">",
                               .split = split});
  return dialect;
}

}  // namespace ondol::chat_format
