// Llama 3.1 to 3.3: {"name", "parameters"} without markers, or after <|python_tag|>.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/json_calls.h"

namespace ondol::chat_format {

Dialect llama3() {
  Dialect dialect;
  dialect.name = "llama-3";
  dialect.recognises = [](std::string_view source) {
    return contains(source, "<|start_header_id|>") && contains(source, "\"parameters\": ") &&
           contains(source, "ipython");
  };
  dialect.calls = json_calls({.begins = {"<|python_tag|>"}, .ends = {}, .arguments_key = "parameters", .bare = true});
  return dialect;
}

}  // namespace ondol::chat_format
