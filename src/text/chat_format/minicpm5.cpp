// MiniCPM 5: <function name=""> with <param name="">, longer texts as CDATA.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/tagged_calls.h"

namespace ondol::chat_format {

Dialect minicpm5() {
  Dialect dialect;
  dialect.name = "minicpm-5";
  dialect.recognises = [](std::string_view source) {
    return contains(source, "<function name=\"") && contains(source, "<param name=\"");
  };
  dialect.calls = tagged_calls({.call_begin = "<function name=\"",
                                .name_end = "\">",
                                .call_end = "</function>",
                                .key_begin = "<param name=\"",
                                .key_end = "\">",
                                .value_end = "</param>",
                                .cdata = true,
                                .python = true});
  return dialect;
}

}  // namespace ondol::chat_format
