// Functionary v3.2: >>>name, a line break and the arguments; >>>all and the content.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/named_calls.h"

namespace ondol::chat_format {

Dialect functionary_v32() {
  Dialect dialect;
  dialect.name = "functionary-v3.2";
  dialect.recognises = [](std::string_view source) { return contains(source, ">>>all"); };
  dialect.silent = {">>>all\n"};
  dialect.answer_open = "all\n";
  dialect.calls = named_calls({.call_begin = ">>>", .header_ends = {"\n"}, .in_prompt = true, .content_header = "all"});
  return dialect;
}

}  // namespace ondol::chat_format
