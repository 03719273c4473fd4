// JSON text of a value, as Python's json.dumps writes it.
#pragma once

#include <optional>
#include <string>

#include "text/jinja/value.h"

namespace ondol::jinja {

struct JsonStyle {
  bool ensure_ascii = false;
  std::optional<std::string> indent;  // nothing: all on one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
};

/// Values that JSON has not (undefined, functions, generators) are a Failure.
std::string to_json(const Value& value, const JsonStyle& style);

}  // namespace ondol::jinja
