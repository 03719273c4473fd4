// Nemotron Nano v2: <TOOLCALL>[{"name", "arguments"}]</TOOLCALL>.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/json_calls.h"

namespace ondol::chat_format {

Dialect nemotron_v2() {
  Dialect dialect;
  dialect.name = "nemotron-v2";
  dialect.recognises = [](std::string_view source) { return contains(source, "<TOOLCALL>"); };
  dialect.calls = json_calls({.begins = {"<TOOLCALL>"}, .ends = {"</TOOLCALL>"}, .list = true});
  return dialect;
}

}  // namespace ondol::chat_format
