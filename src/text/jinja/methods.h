// Methods of str, list, tuple, dict and numbers. The tables are in string_methods.cpp and container_methods.cpp; a new
// method is one function and one line there. Methods that would change a list or dict are refused, as in the
// sandbox in which transformers renders.
#pragma once

#include <string>
#include <string_view>

#include "text/jinja/arguments.h"
#include "text/jinja/value.h"

namespace ondol::jinja {

using MethodFunction = Value (*)(Interpreter& interpreter, const Value& self, const Arguments& arguments);

struct Method {
  std::string_view name;
  MethodFunction function;
};

/// Binds the method `name` of `self`. For a method that the sandbox refuses, `result` is undefined and says so.
bool find_method(const Value& self, const std::string& name, Value& result);

MethodFunction find_string_method(std::string_view name);

}  // namespace ondol::jinja
