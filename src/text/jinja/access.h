// object.name, object[index] and object[start:stop:step], as Jinja2's sandbox resolves them.
#pragma once

#include <string>

#include "text/jinja/value.h"

namespace ondol::jinja {

/// object.name: the attribute or method first, then the item; undefined if there is neither.
Value attribute_of(const Value& object, const std::string& name);

/// object[index]: the item first, then, for a string index, the attribute; undefined if there is neither.
Value item_of(const Value& object, const Value& index);

/// Bounds may be None. What cannot be sliced is a Failure.
Value slice_of(const Value& object, const Value& start, const Value& stop, const Value& step);

/// The attribute or method alone. Fills `result` with an undefined value that says so where the sandbox forbids it.
bool find_attribute(const Value& object, const std::string& name, Value& result);

}  // namespace ondol::jinja
