// MiniMax M2: <invoke name=""> with <parameter name="">.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/tagged_calls.h"

namespace ondol::chat_format {

Dialect minimax_m2() {
  Dialect dialect;
  dialect.name = "minimax-m2";
  dialect.recognises = [](std::string_view source) { return contains(source, "<minimax:tool_call>"); };
  dialect.calls = tagged_calls({.block_begin = "<minimax:tool_call>",
                                .block_end = "</minimax:tool_call>",
                                .call_begin = "<invoke name=\"",
                                .name_end = "\">",
                                .call_end = "</invoke>",
                                .key_begin = "<parameter name=\"",
                                .key_end = "\">",
                                .value_end = "</parameter>",
                                .after_block_begin = "\n",
                                .after_name = "\n",
                                .after_value = "\n",
                                .after_call = "\n"});
  return dialect;
}

}  // namespace ondol::chat_format
