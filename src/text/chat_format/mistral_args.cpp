// Mistral from v11 on (Devstral, Magistral, Mistral Small 3.2): [TOOL_CALLS]name[CALL_ID]id[ARGS]{arguments}.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/named_calls.h"

namespace ondol::chat_format {
namespace {

constexpr const char* kId = "[CALL_ID]";

void split(std::string_view header, std::string& name, std::string& id) {
  const size_t at = header.find(kId);
  if (at == std::string_view::npos) return;
  name = header.substr(0, at);
  id = header.substr(at + std::string_view(kId).size());
}

}  // namespace

Dialect mistral_args() {
  Dialect dialect;
  dialect.name = "mistral-args";
  dialect.recognises = [](std::string_view source) {
    return contains(source, "[TOOL_CALLS]") && contains(source, "[ARGS]");
  };
  dialect.calls = named_calls({.call_begin = "[TOOL_CALLS]",
                               .header_id = kId,
                               .header_ends = {"[ARGS]"},
                               .brace_ends_header = true,
                               .split = split});
  return dialect;
}

}  // namespace ondol::chat_format
