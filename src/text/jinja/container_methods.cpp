#include <array>
#include <cmath>

#include <fmt/format.h>

#include "text/jinja/compare.h"
#include "text/jinja/convert.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/methods.h"

namespace ondol::jinja {
namespace {

// -- list and tuple ---------------------------------------------------------------------------------------------------------

Value sequence_count(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters("count", arguments, {""}, 1);
  interpreter.work(self.items().size());
  const auto count = std::count_if(self.items().begin(), self.items().end(), [&](const Value& item) { return equals(item, parameters.at(0)); });
  return Value::integer(count);
}

Value sequence_index(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters("index", arguments, {"", "", ""}, 1);
  const auto size = static_cast<int64_t>(self.items().size());
  interpreter.work(self.items().size());
  const auto place = [size](int64_t index) { return std::clamp<int64_t>(index < 0 ? index + size : index, 0, size); };
  const int64_t end = place(parameters.integer(2, size));
  for (int64_t i = place(parameters.integer(1, 0)); i < end; ++i) {
    if (equals(self.items()[static_cast<size_t>(i)], parameters.at(0))) return Value::integer(i);
  }
  throw Failure(fmt::format("{} is not in {}", to_repr(parameters.at(0)), self.type_name()));
}

Value list_copy(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("copy", arguments, {});
  return Value::list(self.items());
}

// -- dict -------------------------------------------------------------------------------------------------------------------

Value dict_get(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("get", arguments, {"", ""}, 1);
  const Value* found = self.dict().find(parameters.at(0));
  return found != nullptr ? *found : parameters.or_default(1, Value());
}

template <DictView::Part part>
Value dict_view(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("view", arguments, {});
  return std::make_shared<DictView>(self, part);
}

Value dict_copy(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("copy", arguments, {});
  return std::make_shared<Dict>(self.dict().pairs);
}

Value dict_fromkeys(Interpreter&, const Value&, const Arguments& arguments) {
  const Parameters parameters("fromkeys", arguments, {"", ""}, 1);
  Dict::Pairs pairs;
  for (Value& key : collect(parameters.at(0))) pairs.emplace_back(std::move(key), parameters.or_default(1, Value()));
  return std::make_shared<Dict>(std::move(pairs));
}

// -- numbers ------------------------------------------------------------------------------------------------------------------

Value int_bit_length(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("bit_length", arguments, {});
  int length = 0;
  for (Integer rest = self.as_integer(); rest != 0; rest /= 2) ++length;
  return Value::integer(length);
}

Value number_self(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("conjugate", arguments, {});
  return self.is_integer() ? Value::integer(self.as_integer()) : self;
}

Value float_is_integer(Interpreter&, const Value& self, const Arguments& arguments) {
  const Parameters parameters("is_integer", arguments, {});
  return Value::boolean(std::isfinite(self.as_real()) && std::floor(self.as_real()) == self.as_real());
}

// -- tables -------------------------------------------------------------------------------------------------------------------

constexpr Method kSequenceMethods[] = {{"count", sequence_count}, {"index", sequence_index}};
constexpr Method kListMethods[] = {{"copy", list_copy}};
constexpr Method kDictMethods[] = {
    {"copy", dict_copy},
    {"fromkeys", dict_fromkeys},
    {"get", dict_get},
    {"items", dict_view<DictView::Part::kItems>},
    {"keys", dict_view<DictView::Part::kKeys>},
    {"values", dict_view<DictView::Part::kValues>},
};
constexpr Method kIntMethods[] = {{"bit_length", int_bit_length}, {"conjugate", number_self}};
constexpr Method kFloatMethods[] = {{"conjugate", number_self}, {"is_integer", float_is_integer}};

constexpr std::string_view kListChanges[] = {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"};
constexpr std::string_view kDictChanges[] = {"clear", "pop", "popitem", "setdefault", "update"};

template <size_t n>
MethodFunction search(const Method (&methods)[n], std::string_view name) {
  const auto* found = std::find_if(std::begin(methods), std::end(methods), [&](const Method& method) { return method.name == name; });
  return found == std::end(methods) ? nullptr : found->function;
}

MethodFunction find_function(const Value& self, std::string_view name) {
  switch (self.kind()) {
    case Kind::kText:
      return find_string_method(name);
    case Kind::kList: {
      const MethodFunction function = search(kSequenceMethods, name);
      return function != nullptr ? function : search(kListMethods, name);
    }
    case Kind::kTuple:
      return search(kSequenceMethods, name);
    case Kind::kDict:
      return search(kDictMethods, name);
    case Kind::kBool:
    case Kind::kInt:
      return search(kIntMethods, name);
    case Kind::kFloat:
      return search(kFloatMethods, name);
    default:
      return nullptr;
  }
}

bool is_change(const Value& self, std::string_view name) {
  const auto holds = [name](const auto& list) { return std::find(std::begin(list), std::end(list), name) != std::end(list); };
  return (self.is(Kind::kList) && holds(kListChanges)) || (self.is_dict() && holds(kDictChanges));
}

}  // namespace

bool find_method(const Value& self, const std::string& name, Value& result) {
  if (is_change(self, name)) {
    result = Value::undefined(fmt::format("access to attribute '{}' of '{}' object is unsafe", name, self.type_name()));
    return true;
  }
  const MethodFunction function = find_function(self, name);
  if (function == nullptr) return false;
  result = std::make_shared<Function>(name, "built-in method", self, [self, function](Interpreter& interpreter, const Arguments& arguments) {
    interpreter.work_on(self, arguments);
    return function(interpreter, self, arguments);
  });
  return true;
}

}  // namespace ondol::jinja
