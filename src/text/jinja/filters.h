// Filters: value | name(arguments). The table is in filters.cpp; a new filter is one function and one line there.
#pragma once

#include <string_view>

#include "text/jinja/arguments.h"
#include "text/jinja/value.h"

namespace ondol::jinja {

using FilterFunction = Value (*)(Interpreter& interpreter, const Value& input, const Arguments& arguments);

/// The filter of this name, or nullptr.
FilterFunction find_filter(std::string_view name);

/// Looks up item.a.0.b, as the filters' `attribute` parameter does; `path` may also be an integer.
Value attribute_by_path(const Value& item, const Value& path);

}  // namespace ondol::jinja
