// FireFunction v2:  functools[{"name", "arguments"}].
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/json_calls.h"

namespace ondol::chat_format {

Dialect firefunction() {
  Dialect dialect;
  dialect.name = "firefunction";
  dialect.recognises = [](std::string_view source) { return contains(source, " functools["); };
  dialect.calls = json_calls({.begins = {"functools"}, .ends = {}, .list = true});
  return dialect;
}

}  // namespace ondol::chat_format
