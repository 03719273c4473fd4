// Tests: value is name(arguments). The table is in tests.cpp; a new test is one function and one line there.
#pragma once

#include <string_view>

#include "text/jinja/arguments.h"
#include "text/jinja/value.h"

namespace ondol::jinja {

using TestFunction = bool (*)(Interpreter& interpreter, const Value& input, const Arguments& arguments);

/// The test of this name, or nullptr.
TestFunction find_test(std::string_view name);

}  // namespace ondol::jinja
