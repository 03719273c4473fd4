// Formatting: "%d" % x, "{:>8}".format(x) and round(), as Python does them.
#pragma once

#include <string>
#include <string_view>

#include "text/jinja/arguments.h"
#include "text/jinja/value.h"

namespace ondol::jinja {

/// text % values, where values is a tuple, a dict for %(name)s, or a single value.
Value format_percent(const Value& text, const Value& values);

/// text.format(arguments). Attributes and items in fields are looked up as templates look them up.
Value format_braces(const Value& text, const Arguments& arguments);

/// format(value, spec): [[fill]align][sign][#][0][width][,][.precision][type].
std::string format_value(const Value& value, std::string_view spec);

/// round(number, precision): half to even on the exact value.
Value round_number(const Value& number, int64_t precision);

/// A decimal form with `precision` digits behind the point; type is one of e, E, f, F, g, G.
std::string format_real(double value, char type, int precision, bool alternate);

/// ASCII form of repr(): other characters as escapes.
std::string escape_non_ascii(std::string_view repr);

}  // namespace ondol::jinja
