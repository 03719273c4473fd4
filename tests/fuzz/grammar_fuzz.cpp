// GBNF (inputs that begin with 'g') and regular expressions ('r') from any bytes: reading them ends soon with a grammar
// or an error, and texts that follow the masks token by token stay within the grammar.
#include <cstdint>
#include <string_view>

#include "check_grammar.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto grammar = data[0] == 'r' ? ondol::grammar_from_regex(text) : ondol::grammar_from_gbnf(text);
  if (grammar) ondol::check_grammar(*grammar, size);
  return 0;
}
