// Filters whose result is a number, and those that concern any single value.
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "text/jinja/access.h"
#include "text/jinja/convert.h"
#include "text/jinja/filter_tables.h"
#include "text/jinja/format.h"
#include "text/jinja/operators.h"

namespace ondol::jinja {
namespace {

Value absolute(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("abs", arguments, {});
  if (!input.is_number()) throw Failure(fmt::format("bad operand type for abs(): '{}'", input.type_name()));
  if (input.is_integer()) return Value::integer(input.as_integer() < 0 ? -input.as_integer() : input.as_integer());
  return Value::real(std::fabs(input.as_real()));
}

Value to_integer(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("int", arguments, {"default", "base"});
  const Value fallback = parameters.or_default(0, Value::integer(0));
  require_defined(input);
  if (input.is_integer()) return Value::integer(input.as_integer());
  if (input.is(Kind::kFloat)) return std::isnan(input.as_real()) ? fallback : Value::integer(integer_from(input.as_real()));
  if (!input.is_text()) return fallback;
  const int64_t base = parameters.integer(1, 10);
  const bool known_base = base == 0 || (base >= 2 && base <= 36);
  if (const auto number = known_base ? parse_integer(input.str(), static_cast<int>(base)) : std::nullopt) return Value::integer(*number);
  const auto real = parse_real(input.str());
  return real && std::isfinite(*real) ? Value::integer(integer_from(*real)) : fallback;
}

Value to_float(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("float", arguments, {"default"});
  require_defined(input);
  if (input.is_number()) return Value::real(input.as_real());
  if (input.is_text()) {
    if (const auto number = parse_real(input.str())) return Value::real(*number);
  }
  return parameters.or_default(0, Value::real(0));
}

Value round(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("round", arguments, {"precision", "method"});
  const std::string_view method = parameters.text_or(1, "common");
  const int64_t precision = parameters.integer(0, 0);
  if (method == "common") return round_number(input, precision);
  if (method != "ceil" && method != "floor") throw Failure("method must be common, ceil or floor");
  if (!input.is_number()) {
    require_defined(input);
    throw Failure(fmt::format("type {} cannot be rounded", input.type_name()));
  }
  const Value scale = apply_operator(BinaryOperator::kPower, Value::integer(10), Value::integer(precision));
  const Value scaled = apply_operator(BinaryOperator::kMultiply, input, scale);
  Value whole = scaled;
  if (scaled.is(Kind::kFloat)) {
    const double number = scaled.as_real();
    whole = Value::integer(integer_from(method == "ceil" ? std::ceil(number) : std::floor(number)));
  }
  return apply_operator(BinaryOperator::kDivide, whole, scale);
}

Value filesizeformat(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("filesizeformat", arguments, {"binary"});
  const bool binary = parameters.truth(0, false);
  require_defined(input);
  const auto parsed = input.is_text() ? parse_real(input.str()) : std::nullopt;
  if (!parsed && !input.is_number()) throw Failure("the filter 'filesizeformat' needs a number");
  const double n_bytes = parsed ? *parsed : input.as_real();
  const double base = binary ? 1024 : 1000;
  if (n_bytes == 1) return Value::text("1 Byte");
  if (n_bytes < base) return Value::text(repr_integer(integer_from(n_bytes)) + " Bytes");
  static constexpr std::string_view kLetters = "kMGTPEZY";
  double unit = base;
  size_t i = 0;
  while (i + 1 < kLetters.size() && n_bytes >= unit * base) {
    unit *= base;
    ++i;
  }
  const char letter = binary && i == 0 ? 'K' : kLetters[i];
  return Value::text(fmt::format("{:.1f} {}{}B", n_bytes / unit, letter, binary ? "i" : ""));
}

Value with_default(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("default", arguments, {"default_value", "boolean"});
  const bool missing = input.is_undefined() || (parameters.truth(1, false) && !input.truth());
  return missing ? parameters.or_default(0, Value::text("")) : input;
}

Value attribute(Interpreter&, const Value& input, const Arguments& arguments) {
  const Parameters parameters("attr", arguments, {"name"}, 1);
  require_defined(input);
  Value result;
  const std::string name(parameters.text(0));
  if (find_attribute(input, name, result)) return result;
  return Value::undefined(fmt::format("'{}' has no attribute {}", describe_type(input), repr_text(name)));
}

constexpr Filter kNumberFilters[] = {
    {"abs", absolute},
    {"attr", attribute},
    {"d", with_default},
    {"default", with_default},
    {"filesizeformat", filesizeformat},
    {"float", to_float},
    {"int", to_integer},
    {"round", round},
};

}  // namespace

std::span<const Filter> number_filters() { return kNumberFilters; }

}  // namespace ondol::jinja
