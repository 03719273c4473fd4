#include <fmt/format.h>

#include "text/jinja/access.h"
#include "text/jinja/ast.h"
#include "text/jinja/convert.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/operators.h"

namespace ondol::jinja {

Value Variable::evaluate(Interpreter& interpreter) const { return interpreter.lookup(name); }

Value SequenceDisplay::evaluate(Interpreter& interpreter) const {
  std::vector<Value> values;
  for (const ExpressionPtr& item : items) values.push_back(interpreter.evaluate(*item));
  return interpreter.account(std::make_shared<Sequence>(kind, std::move(values)));
}

Value DictDisplay::evaluate(Interpreter& interpreter) const {
  Dict::Pairs values;
  for (const auto& [key, value] : pairs) {
    Value name = interpreter.evaluate(*key);
    values.emplace_back(std::move(name), interpreter.evaluate(*value));
  }
  return interpreter.account(std::make_shared<Dict>(std::move(values)));
}

Value Unary::evaluate(Interpreter& interpreter) const {
  const Value value = interpreter.evaluate(*operand);
  interpreter.at(position);
  return op == UnaryOperator::kNot ? Value::boolean(!value.truth()) : apply_sign(op, value);
}

Value Binary::evaluate(Interpreter& interpreter) const {
  Value first = interpreter.evaluate(*left);
  if (op == BinaryOperator::kAnd) return first.truth() ? interpreter.evaluate(*right) : first;
  if (op == BinaryOperator::kOr) return first.truth() ? first : interpreter.evaluate(*right);
  const Value second = interpreter.evaluate(*right);
  interpreter.at(position);
  return interpreter.account(apply_operator(op, first, second));
}

Value Concatenation::evaluate(Interpreter& interpreter) const {
  TextBuilder text;
  for (const ExpressionPtr& part : parts) text.append(to_text(interpreter.evaluate(*part)));
  return interpreter.account(Value::text(text.take()));
}

Value ComparisonChain::evaluate(Interpreter& interpreter) const {
  Value left = interpreter.evaluate(*first);
  for (const Link& link : links) {
    Value right = interpreter.evaluate(*link.operand);
    interpreter.at(position);
    bool holds = false;
    if (link.type == Link::Type::kCompare) {
      interpreter.work(std::min(left.weight(), right.weight()));
      holds = compare(link.comparison, left, right);
    } else {
      interpreter.work_on(right, Arguments{{left}, {}});
      holds = contains(right, left) == (link.type == Link::Type::kIn);
    }
    if (!holds) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Conditional::evaluate(Interpreter& interpreter) const {
  if (interpreter.evaluate(*condition).truth()) return interpreter.evaluate(*then);
  if (otherwise) return interpreter.evaluate(*otherwise);
  return Value::undefined(fmt::format("the inline if-expression on line {} evaluated to false and no else section was defined", position.line));
}

Value Attribute::evaluate(Interpreter& interpreter) const {
  const Value value = interpreter.evaluate(*object);
  interpreter.at(position);
  return attribute_of(value, name);
}

Value Subscript::evaluate(Interpreter& interpreter) const {
  const Value value = interpreter.evaluate(*object);
  const Value key = interpreter.evaluate(*index);
  interpreter.at(position);
  if (value.is_text()) interpreter.work_on(value, {});
  return item_of(value, key);
}

Value Slice::evaluate(Interpreter& interpreter) const {
  const Value value = interpreter.evaluate(*object);
  const Value from = interpreter.evaluate_or_none(start);
  const Value to = interpreter.evaluate_or_none(stop);
  const Value by = interpreter.evaluate_or_none(step);
  interpreter.at(position);
  interpreter.work_on(value, {});
  return interpreter.account(slice_of(value, from, to, by));
}

Value Call::evaluate(Interpreter& interpreter) const {
  const Value function = interpreter.evaluate(*callee);
  const Arguments values = interpreter.evaluate_arguments(arguments);
  interpreter.at(position);
  return interpreter.call(function, values);
}

Value FilterCall::evaluate(Interpreter& interpreter) const {
  const Value value = interpreter.evaluate(*input);
  return apply(interpreter, value);
}


Value FilterCall::apply(Interpreter& interpreter, const Value& value) const {
  const Arguments values = interpreter.evaluate_arguments(arguments);
  interpreter.at(position);
  if (filter == nullptr) throw Failure(fmt::format("no filter named '{}'", name));
  interpreter.work_on(value, values);
  return interpreter.account(filter(interpreter, value, values));
}

Value TestCall::evaluate(Interpreter& interpreter) const {
  const Value value = interpreter.evaluate(*input);
  const Arguments values = interpreter.evaluate_arguments(arguments);
  interpreter.at(position);
  if (test == nullptr) throw Failure(fmt::format("no test named '{}'", name));
  interpreter.work_on(value, values);
  return Value::boolean(test(interpreter, value, values));
}

}  // namespace ondol::jinja
