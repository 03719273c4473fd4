// OLMo 3: <function_calls>, a line name(key=value) for each call, </function_calls>.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/python_calls.h"

namespace ondol::chat_format {

Dialect olmo3() {
  Dialect dialect;
  dialect.name = "olmo-3";
  dialect.recognises = [](std::string_view source) { return contains(source, "<function_calls>"); };
  dialect.calls = python_calls({.begin = "<function_calls>", .end = "</function_calls>", .list = false});
  return dialect;
}

}  // namespace ondol::chat_format
