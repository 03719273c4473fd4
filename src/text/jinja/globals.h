// Functions that every template can call: range, dict, namespace, cycler, joiner, raise_exception, strftime_now. The
// table is in globals.cpp; a new one is one function and one line there.
#pragma once

#include <span>
#include <string_view>

#include "text/jinja/arguments.h"
#include "text/jinja/value.h"

namespace ondol::jinja {

struct Global {
  std::string_view name;
  Value (*function)(Interpreter& interpreter, const Arguments& arguments);
};

std::span<const Global> globals();
Value make_global(const Global& global);

/// The local time as strftime(3) writes it in the C locale; %f is 000000, zones are empty.
std::string format_time(std::string_view format, int64_t unix_seconds);

}  // namespace ondol::jinja
