#include "text/jinja/operators.h"

#include <cmath>

#include <fmt/format.h>

#include "text/jinja/convert.h"
#include "text/jinja/format.h"

namespace ondol::jinja {
namespace {

constexpr Integer kIntegerLimit = Integer{1} << 120;

const char* sign_of(BinaryOperator op) {
  switch (op) {
    case BinaryOperator::kAdd:
      return "+";
    case BinaryOperator::kSubtract:
      return "-";
    case BinaryOperator::kMultiply:
      return "*";
    case BinaryOperator::kDivide:
      return "/";
    case BinaryOperator::kFloorDivide:
      return "//";
    case BinaryOperator::kModulo:
      return "%";
    case BinaryOperator::kPower:
      return "**";
    case BinaryOperator::kAnd:
      return "and";
    case BinaryOperator::kOr:
      return "or";
  }
  return "?";
}

Value bounded(Integer value) {
  if (value > kIntegerLimit || value < -kIntegerLimit) throw Failure("an integer is too large");
  return Value::integer(value);
}

Integer magnitude(Integer value) {
  return value < 0 ? -value : value;
}

Value multiply(Integer left, Integer right) {
  if (left == 0 || right == 0) return Value::integer(0);
  if (magnitude(left) > kIntegerLimit / magnitude(right)) throw Failure("an integer is too large");
  __extension__ typedef unsigned __int128
      Unsigned;  // the sanitizers' signed product needs a library that may be absent
  return bounded(static_cast<Integer>(static_cast<Unsigned>(left) * static_cast<Unsigned>(right)));
}

Integer floor_divide(Integer left, Integer right) {
  Integer quotient = left / right;
  if (left % right != 0 && (left < 0) != (right < 0)) --quotient;
  return quotient;
}

Value power(const Value& left, const Value& right) {
  if (left.is_integer() && right.is_integer() && right.as_integer() >= 0) {
    Integer exponent = right.as_integer();
    Value result = Value::integer(1);
    Value square = Value::integer(left.as_integer());
    if (magnitude(left.as_integer()) <= 1) exponent = exponent % 2 + (exponent > 1 ? 2 : 0);
    while (exponent > 0) {
      if (exponent % 2 == 1) result = multiply(result.as_integer(), square.as_integer());
      exponent /= 2;
      if (exponent > 0) square = multiply(square.as_integer(), square.as_integer());
    }
    return result;
  }
  const double base = left.as_real();
  const double exponent = right.as_real();
  if (base == 0 && exponent < 0) throw Failure("0.0 cannot be raised to a negative power");
  const double result = std::pow(base, exponent);
  if (std::isnan(result) && !std::isnan(base) && !std::isnan(exponent))
    throw Failure("complex numbers are not supported");
  if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent)) throw Failure("a number is too large");
  return Value::real(result);
}

double real_modulo(double left, double right) {
  double result = std::fmod(left, right);
  if (result != 0 && (result < 0) != (right < 0)) result += right;
  if (result == 0) result = std::copysign(0.0, right);
  return result;
}

double real_floor_divide(double left, double right) {
  const double remainder = real_modulo(left, right);
  const double quotient = (left - remainder) / right;
  return quotient == 0 ? std::copysign(0.0, left / right) : std::floor(quotient + 0.5);
}

Value integer_operator(BinaryOperator op, Integer left, Integer right) {
  switch (op) {
    case BinaryOperator::kAdd:
      return bounded(left + right);
    case BinaryOperator::kSubtract:
      return bounded(left - right);
    case BinaryOperator::kMultiply:
      return multiply(left, right);
    case BinaryOperator::kFloorDivide:
      return Value::integer(floor_divide(left, right));
    default:
      return Value::integer(left - floor_divide(left, right) * right);
  }
}

Value number_operator(BinaryOperator op, const Value& left, const Value& right) {
  if (op == BinaryOperator::kPower) return power(left, right);
  const bool divides =
      op == BinaryOperator::kDivide || op == BinaryOperator::kFloorDivide || op == BinaryOperator::kModulo;
  if (divides && !right.truth()) throw Failure("division by zero");
  if (op == BinaryOperator::kDivide) return Value::real(left.as_real() / right.as_real());
  if (left.is_integer() && right.is_integer()) return integer_operator(op, left.as_integer(), right.as_integer());
  const double a = left.as_real();
  const double b = right.as_real();
  switch (op) {
    case BinaryOperator::kAdd:
      return Value::real(a + b);
    case BinaryOperator::kSubtract:
      return Value::real(a - b);
    case BinaryOperator::kMultiply:
      return Value::real(a * b);
    case BinaryOperator::kFloorDivide:
      return Value::real(real_floor_divide(a, b));
    default:
      return Value::real(real_modulo(a, b));
  }
}

// "ab" * 3 and [1] * 3.
Value repeat(const Value& value, const Value& count) {
  const Integer times = std::max<Integer>(0, count.as_integer());
  const size_t size = value.is_text() ? value.str().size() : value.items().size();
  if (size == 0 || times == 0)
    return value.is_text() ? Value::text("", value.is_markup())
                           : Value(std::make_shared<Sequence>(value.kind(), std::vector<Value>{}));
  const Integer limit = value.is_text() ? static_cast<Integer>(kMaxTextBytes) : static_cast<Integer>(kMaxWeight);
  if (times > limit / static_cast<Integer>(size)) throw Failure("a repeated value is too large");
  if (value.is_text())
    return Value::text(TextBuilder().repeat(value.str(), static_cast<size_t>(times)).take(), value.is_markup());
  std::vector<Value> items;
  for (Integer i = 0; i < times; ++i) items.insert(items.end(), value.items().begin(), value.items().end());
  return std::make_shared<Sequence>(value.kind(), std::move(items));
}

[[noreturn]] void unsupported(BinaryOperator op, const Value& left, const Value& right) {
  require_defined(left);
  require_defined(right);
  if (op == BinaryOperator::kAdd && left.is_text()) {
    throw Failure(fmt::format("can only concatenate str (not \"{}\") to str", right.type_name()));
  }
  throw Failure(fmt::format("unsupported operand type(s) for {}: '{}' and '{}'", sign_of(op), left.type_name(),
                            right.type_name()));
}

}  // namespace

Value add(const Value& left, const Value& right) {
  if (left.is_number() && right.is_number()) return number_operator(BinaryOperator::kAdd, left, right);
  if (left.is_text() && right.is_text()) {
    const bool markup = left.is_markup() || right.is_markup();
    const auto part = [markup](const Value& value) {
      return markup && !value.is_markup() ? escape_html(value.str()) : std::string(value.str());
    };
    return Value::text(TextBuilder().append(part(left)).append(part(right)).take(), markup);
  }
  if (left.is_sequence() && left.kind() == right.kind()) {
    std::vector<Value> items = left.items();
    items.insert(items.end(), right.items().begin(), right.items().end());
    return std::make_shared<Sequence>(left.kind(), std::move(items));
  }
  unsupported(BinaryOperator::kAdd, left, right);
}

Value apply_operator(BinaryOperator op, const Value& left, const Value& right) {
  if (op == BinaryOperator::kAdd) return add(left, right);
  if (op == BinaryOperator::kModulo && left.is_text()) return format_percent(left, right);
  if (left.is_number() && right.is_number()) return number_operator(op, left, right);
  if (op == BinaryOperator::kMultiply) {
    const auto repeats = [](const Value& value) { return value.is_text() || value.is_sequence(); };
    if (repeats(left) && right.is_integer()) return repeat(left, right);
    if (repeats(right) && left.is_integer()) return repeat(right, left);
  }
  unsupported(op, left, right);
}

Value apply_sign(UnaryOperator op, const Value& operand) {
  if (!operand.is_number()) {
    require_defined(operand);
    throw Failure(fmt::format("bad operand type for unary {}: '{}'", op == UnaryOperator::kNegative ? '-' : '+',
                              operand.type_name()));
  }
  const bool negative = op == UnaryOperator::kNegative;
  if (operand.is_integer()) return bounded(negative ? -operand.as_integer() : operand.as_integer());
  return Value::real(negative ? -operand.as_real() : operand.as_real());
}

Integer integer_from(double number) {
  if (!std::isfinite(number) || std::fabs(number) > 1e36) throw Failure("cannot convert this float to an integer");
  return static_cast<Integer>(number);
}

}  // namespace ondol::jinja
