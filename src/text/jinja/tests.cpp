#include "text/jinja/tests.h"

#include <array>

#include <fmt/format.h>

#include "text/jinja/compare.h"
#include "text/jinja/convert.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/operators.h"
#include "text/jinja/text_search.h"

namespace ondol::jinja {
namespace {

// The argument of a test that takes one.
Value argument(const char* name, const Arguments& arguments) { return Parameters(name, arguments, {"other"}, 1).at(0); }

void no_arguments(const Arguments& arguments) { const Parameters parameters("test", arguments, {}); }

Value remainder(const Value& value, const Value& divisor) { return apply_operator(BinaryOperator::kModulo, value, divisor); }

bool is_odd(Interpreter&, const Value& value, const Arguments& arguments) {
  no_arguments(arguments);
  return equals(remainder(value, Value::integer(2)), Value::integer(1));
}

bool is_even(Interpreter&, const Value& value, const Arguments& arguments) {
  no_arguments(arguments);
  return equals(remainder(value, Value::integer(2)), Value::integer(0));
}

bool is_divisible(Interpreter&, const Value& value, const Arguments& arguments) {
  return equals(remainder(value, Parameters("divisibleby", arguments, {"num"}, 1).at(0)), Value::integer(0));
}

// A test of the type alone.
template <bool (*holds)(const Value&)>
bool of_type(Interpreter&, const Value& value, const Arguments& arguments) {
  no_arguments(arguments);
  return holds(value);
}

bool defined(const Value& value) { return !value.is_undefined(); }
bool undefined(const Value& value) { return value.is_undefined(); }
bool none(const Value& value) { return value.is_none(); }
bool boolean(const Value& value) { return value.is(Kind::kBool); }
bool is_false(const Value& value) { return value.is(Kind::kBool) && !value.as_bool(); }
bool is_true(const Value& value) { return value.is(Kind::kBool) && value.as_bool(); }
bool integer(const Value& value) { return value.is(Kind::kInt); }
bool real(const Value& value) { return value.is(Kind::kFloat); }
bool number(const Value& value) { return value.is_number(); }
bool string(const Value& value) { return value.is_text(); }
bool mapping(const Value& value) { return value.is_dict(); }
// Python's undefined object has a length and items as far as this test can tell.
bool sequence(const Value& value) { return has_length(value) && !value.is(Kind::kView); }
bool lower(const Value& value) { return is_lower_text(to_text(value)); }
bool upper(const Value& value) { return is_upper_text(to_text(value)); }
bool escaped(const Value& value) { return value.is_markup(); }

bool callable(const Value& value) {
  const auto* object = value.get<Object>();
  return value.is_undefined() || (object != nullptr && object->callable());
}

bool iterable(const Value& value) { return is_iterable(value) || value.type_name() == "LoopContext"; }

bool is_filter(Interpreter&, const Value& value, const Arguments& arguments) {
  no_arguments(arguments);
  hash_of(value);  // what cannot be a key is refused
  return value.is_text() && find_filter(value.str()) != nullptr;
}

bool is_test(Interpreter&, const Value& value, const Arguments& arguments) {
  no_arguments(arguments);
  hash_of(value);
  return value.is_text() && find_test(value.str()) != nullptr;
}

bool same_as(Interpreter&, const Value& value, const Arguments& arguments) { return value.same_as(argument("sameas", arguments)); }

bool in(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Value container = Parameters("in", arguments, {"seq"}, 1).at(0);
  interpreter.work_on(container, Arguments{{value}, {}});
  return contains(container, value);
}

template <Comparison comparison>
bool compares(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Value other = argument("comparison", arguments);
  interpreter.work(std::min(value.weight(), other.weight()));
  return compare(comparison, value, other);
}

struct Test {
  std::string_view name;
  TestFunction function;
};

constexpr Test kTests[] = {
    {"!=", compares<Comparison::kNotEqual>},
    {"<", compares<Comparison::kLess>},
    {"<=", compares<Comparison::kLessEqual>},
    {"==", compares<Comparison::kEqual>},
    {">", compares<Comparison::kGreater>},
    {">=", compares<Comparison::kGreaterEqual>},
    {"boolean", of_type<boolean>},
    {"callable", of_type<callable>},
    {"defined", of_type<defined>},
    {"divisibleby", is_divisible},
    {"eq", compares<Comparison::kEqual>},
    {"equalto", compares<Comparison::kEqual>},
    {"escaped", of_type<escaped>},
    {"even", is_even},
    {"false", of_type<is_false>},
    {"filter", is_filter},
    {"float", of_type<real>},
    {"ge", compares<Comparison::kGreaterEqual>},
    {"greaterthan", compares<Comparison::kGreater>},
    {"gt", compares<Comparison::kGreater>},
    {"in", in},
    {"integer", of_type<integer>},
    {"iterable", of_type<iterable>},
    {"le", compares<Comparison::kLessEqual>},
    {"lessthan", compares<Comparison::kLess>},
    {"lower", of_type<lower>},
    {"lt", compares<Comparison::kLess>},
    {"mapping", of_type<mapping>},
    {"ne", compares<Comparison::kNotEqual>},
    {"none", of_type<none>},
    {"number", of_type<number>},
    {"odd", is_odd},
    {"sameas", same_as},
    {"sequence", of_type<sequence>},
    {"string", of_type<string>},
    {"test", is_test},
    {"true", of_type<is_true>},
    {"undefined", of_type<undefined>},
    {"upper", of_type<upper>},
};

}  // namespace

TestFunction find_test(std::string_view name) {
  const auto* found = std::lower_bound(std::begin(kTests), std::end(kTests), name,
                                       [](const Test& test, std::string_view wanted) { return test.name < wanted; });
  return found != std::end(kTests) && found->name == name ? found->function : nullptr;
}

}  // namespace ondol::jinja
