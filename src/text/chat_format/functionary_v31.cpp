// Functionary v3.1, and Llama 3.x with user-defined tools in the system prompt: <function=name>{arguments}</function>.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/named_calls.h"

namespace ondol::chat_format {

Dialect functionary_v31() {
  Dialect dialect;
  dialect.name = "functionary-v3.1";
  dialect.recognises = [](std::string_view source) {
    return contains(source, "<function=") && contains(source, "</function>") && !contains(source, "<parameter=");
  };
  dialect.calls = named_calls({.call_begin = "<function=", .header_ends = {">"}, .call_end = "</function>"});
  return dialect;
}

}  // namespace ondol::chat_format
