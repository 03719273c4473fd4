// Qwen3-Coder, Nemotron 3, Step 3.5: <function=name> with <parameter=key> within <tool_call>.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/tagged_calls.h"

namespace ondol::chat_format {

Dialect qwen3_coder() {
  Dialect dialect;
  dialect.name = "qwen3-coder";
  dialect.recognises = [](std::string_view source) {
    return contains(source, "<function=") && contains(source, "<parameter=");
  };
  dialect.calls = tagged_calls({.block_begin = "<tool_call>",
                                .block_end = "</tool_call>",
                                .call_begin = "<function=",
                                .name_end = ">",
                                .call_end = "</function>",
                                .key_begin = "<parameter=",
                                .key_end = ">",
                                .value_end = "</parameter>",
                                .value_on_own_line = true,
                                .python = true,
                                .after_block_begin = "\n",
                                .after_name = "\n",
                                .after_value = "\n",
                                .after_call = "\n"});
  return dialect;
}

}  // namespace ondol::chat_format
