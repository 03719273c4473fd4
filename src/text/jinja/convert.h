// Values to text as Python writes them: str(), repr(), float repr; and text to numbers as int() and float() read it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "text/jinja/value.h"

namespace ondol::jinja {

/// str(value).
std::string to_text(const Value& value);
/// repr(value).
std::string to_repr(const Value& value);

std::string repr_integer(Integer value);
/// The shortest digits that read back as the same double: 1.0, 1e-05, 1e+16, nan, inf.
std::string repr_real(double value);
std::string repr_text(std::string_view value);

/// int(text, base) and float(text): nothing where Python raises ValueError. Integers past the limit are a Failure.
std::optional<Integer> parse_integer(std::string_view text, int base);
std::optional<double> parse_real(std::string_view text);

/// &, <, >, ' and " as HTML entities.
std::string escape_html(std::string_view text);

/// JSON to values. Nesting is bounded as all values are.
Value from_json(const json::value& value, uint32_t depth = 0);

/// Appends text up to the limit of one string; beyond that a Failure.
class TextBuilder {
 public:
  TextBuilder& append(std::string_view text);
  TextBuilder& repeat(std::string_view text, size_t count);
  std::string take() { return std::move(text_); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace ondol::jinja
