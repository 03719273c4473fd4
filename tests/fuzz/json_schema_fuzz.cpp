// JSON Schemas from any bytes: reading them ends soon with a grammar or an error, and what the masks let through, when
// it is complete, is JSON.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "check_grammar.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto schema = ondol::parse_json({reinterpret_cast<const char*>(data), size});
  if (!schema) return 0;
  for (const bool strict : {false, true}) {
    const auto grammar = ondol::grammar_from_json_schema(*schema, {.compact = strict, .strict = strict});
    if (!grammar) continue;
    const std::string text = ondol::check_grammar(*grammar, size);
    if (!text.empty()) ONDOL_CHECK(ondol::parse_json(text).has_value());
  }
  return 0;
}
