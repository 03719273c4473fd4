// Seed-OSS: as Qwen3-Coder, in tags of its own.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/tagged_calls.h"

namespace ondol::chat_format {

Dialect seed() {
  Dialect dialect;
  dialect.name = "seed-oss";
  dialect.recognises = [](std::string_view source) { return contains(source, "<seed:tool_call>"); };
  dialect.reasoning = {.open = "<seed:think>", .close = "</seed:think>", .after_close = "\n"};
  dialect.calls = tagged_calls({.block_begin = "<seed:tool_call>",
                                .block_end = "</seed:tool_call>",
                                .call_begin = "<function=",
                                .name_end = ">",
                                .call_end = "</function>",
                                .key_begin = "<parameter=",
                                .key_end = ">",
                                .value_end = "</parameter>",
                                .python = true,
                                .after_block_begin = "\n",
                                .after_name = "\n",
                                .after_value = "\n",
                                .after_call = "\n"});
  return dialect;
}

}  // namespace ondol::chat_format
