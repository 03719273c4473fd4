// Apertus: <|tools_prefix|>[{"name": {arguments}}]<|tools_suffix|>, which may stand within the reasoning.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/json_calls.h"

namespace ondol::chat_format {

Dialect apertus() {
  Dialect dialect;
  dialect.name = "apertus";
  dialect.recognises = [](std::string_view source) { return contains(source, "<|tools_prefix|>"); };
  dialect.reasoning = {.open = "<|inner_prefix|>", .close = "<|inner_suffix|>", .anywhere = true, .calls_within = true};
  dialect.calls =
      json_calls({.begins = {"<|tools_prefix|>"}, .ends = {"<|tools_suffix|>"}, .list = true, .name_is_key = true});
  return dialect;
}

}  // namespace ondol::chat_format
