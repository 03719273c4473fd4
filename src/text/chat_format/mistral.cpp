// Mistral 7B v0.3 to Nemo and Large 2407: [TOOL_CALLS][{"name", "arguments", "id"}].
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/json_calls.h"

namespace ondol::chat_format {

Dialect mistral() {
  Dialect dialect;
  dialect.name = "mistral";
  dialect.recognises = [](std::string_view source) { return contains(source, "[TOOL_CALLS]"); };
  dialect.calls = json_calls({.begins = {"[TOOL_CALLS]"}, .ends = {}, .list = true, .id_after = "id"});
  return dialect;
}

}  // namespace ondol::chat_format
