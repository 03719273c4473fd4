// GigaChat 3: a call is a message of the role "function call".
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/json_calls.h"

namespace ondol::chat_format {

Dialect gigachat() {
  Dialect dialect;
  dialect.name = "gigachat-3";
  dialect.recognises = [](std::string_view source) {
    return contains(source, "<|role_sep|>") && contains(source, "function call");
  };
  dialect.silent = {"<|message_sep|>"};
  dialect.calls = json_calls({.begins = {"function call<|role_sep|>\n"}, .ends = {}});
  return dialect;
}

}  // namespace ondol::chat_format
