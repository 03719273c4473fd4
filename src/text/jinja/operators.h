// Arithmetic, as Python has it.
#pragma once

#include "text/jinja/ast.h"
#include "text/jinja/value.h"

namespace ondol::jinja {

/// Any operator but `and` and `or`. Types that do not fit and results that are too large are a Failure.
Value apply_operator(BinaryOperator op, const Value& left, const Value& right);
Value apply_sign(UnaryOperator op, const Value& operand);

/// left + right.
Value add(const Value& left, const Value& right);

/// The value of floor(number) and ceil(number) as an integer; too large or not finite is a Failure.
Integer integer_from(double number);

}  // namespace ondol::jinja
