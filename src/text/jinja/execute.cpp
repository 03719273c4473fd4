#include <fmt/format.h>

#include "text/jinja/ast.h"
#include "text/jinja/convert.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/macro.h"

namespace ondol::jinja {
namespace {

// Puts the text of a block through the chain of filters that stands at its head.
Value filter_text(Interpreter& interpreter, const Expression& chain, const std::string& text) {
  const auto& call = static_cast<const FilterCall&>(chain);  // the parser makes nothing else
  Value input = call.input ? filter_text(interpreter, *call.input, text) : Value::text(text);
  return call.apply(interpreter, input);
}

// The items for which the condition of a for statement holds, found one at a time.
Next filtered(Interpreter& interpreter, const For& statement, Next next) {
  return [&interpreter, &statement, next = std::move(next), scope = interpreter.scope()](Value& out) {
    while (next(out)) {
      const Interpreter::Enter enter(interpreter, std::make_shared<Scope>(scope));
      interpreter.assign(statement.target, out);
      if (interpreter.evaluate(*statement.filter).truth()) return true;
    }
    return false;
  };
}

}  // namespace

Flow PlainText::execute(Interpreter& interpreter) const {
  interpreter.write(text);
  return Flow::kNormal;
}

Flow Output::execute(Interpreter& interpreter) const {
  const Value result = interpreter.evaluate(*value);
  if (result.is_text()) {
    interpreter.write(result.str());
  } else {
    interpreter.write(to_text(result));
  }
  return Flow::kNormal;
}

Flow Evaluation::execute(Interpreter& interpreter) const {
  interpreter.evaluate(*value);
  return Flow::kNormal;
}

Flow If::execute(Interpreter& interpreter) const {
  for (const auto& [condition, body] : branches) {
    if (interpreter.evaluate(*condition).truth()) return interpreter.execute(body);
  }
  return interpreter.execute(otherwise);
}

Flow For::execute(Interpreter& interpreter) const {
  const Value values = interpreter.evaluate(*iterable);
  interpreter.at(position);
  if (!recursive) {
    run(interpreter, values, 0);
    return Flow::kNormal;
  }
  std::string text;
  {
    const Interpreter::Redirect redirect(interpreter, text);
    run(interpreter, values, 0);
  }
  interpreter.write(text);
  return Flow::kNormal;
}

void For::run(Interpreter& interpreter, const Value& values, int loop_depth) const {
  Next next = iterate(values);
  if (filter) next = filtered(interpreter, *this, std::move(next));
  const auto loop = std::make_shared<Loop>(*this, values, std::move(next), interpreter.scope(), loop_depth);
  bool ran = false;
  while (loop->advance()) {
    ran = true;
    interpreter.work(1);
    const Interpreter::Enter enter(interpreter, interpreter.inner_scope());
    interpreter.assign(target, loop->current());
    interpreter.scope()->set(loop_name, Value(loop));
    if (interpreter.execute(body) == Flow::kBreak) break;
  }
  if (ran) return;
  const Interpreter::Enter enter(interpreter, interpreter.inner_scope());
  interpreter.execute(otherwise);
}

Flow Set::execute(Interpreter& interpreter) const {
  const Value result = interpreter.evaluate(*value);
  interpreter.at(position);
  interpreter.assign(target, result);
  return Flow::kNormal;
}

Flow SetBlock::execute(Interpreter& interpreter) const {
  Value result = Value::text(interpreter.capture(body));
  if (filters) result = filter_text(interpreter, *filters, std::string(result.str()));
  interpreter.at(position);
  interpreter.assign(target, result);
  return Flow::kNormal;
}

Flow MacroDefinition::execute(Interpreter& interpreter) const {
  interpreter.scope()->set(name, interpreter.make_macro(signature));
  return Flow::kNormal;
}

Flow CallBlock::execute(Interpreter& interpreter) const {
  const auto& node = static_cast<const Call&>(*call);
  const Value caller = interpreter.make_macro(signature);
  const Value callee = interpreter.evaluate(*node.callee);
  Arguments arguments = interpreter.evaluate_arguments(node.arguments);
  if (arguments.find("caller") != nullptr) throw Failure("a call block cannot be given another caller");
  arguments.named.emplace_back("caller", caller);
  interpreter.at(position);
  interpreter.write(to_text(interpreter.call(callee, arguments)));
  return Flow::kNormal;
}

Flow FilterBlock::execute(Interpreter& interpreter) const {
  const std::string text = interpreter.capture(body);
  interpreter.write(to_text(filter_text(interpreter, *filters, text)));
  return Flow::kNormal;
}

Flow With::execute(Interpreter& interpreter) const {
  std::vector<Value> values;
  for (const auto& [target, value] : assignments) values.push_back(interpreter.evaluate(*value));
  const Interpreter::Enter enter(interpreter, interpreter.inner_scope());
  for (size_t i = 0; i < values.size(); ++i) interpreter.assign(assignments[i].first, values[i]);
  return interpreter.execute(body);
}

Flow Generation::execute(Interpreter& interpreter) const {
  interpreter.add_generation(interpreter.capture(body));
  return Flow::kNormal;
}

Flow ScopedBlock::execute(Interpreter& interpreter) const {
  const auto outer = from_root ? interpreter.top_level() : interpreter.scope();
  const Interpreter::Enter enter(interpreter, std::make_shared<Scope>(outer));
  return interpreter.execute(body);
}

Flow Unavailable::execute(Interpreter&) const {
  throw Failure(fmt::format("'{}' is not available: there are no other templates", tag));
}

}  // namespace ondol::jinja
