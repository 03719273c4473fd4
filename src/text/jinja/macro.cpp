#include "text/jinja/macro.h"

#include <fmt/format.h>

namespace ondol::jinja {

bool Macro::attribute(const std::string& name, Value& result) const {
  if (name == "name") {
    result = Value::text(signature.name);
  } else if (name == "arguments") {
    std::vector<Value> names;
    for (const auto& [id, parameter] : signature.parameters) names.push_back(Value::text(parameter));
    result = Value::tuple(std::move(names));
  } else if (name == "catch_kwargs") {
    result = Value::boolean(signature.uses_kwargs);
  } else if (name == "catch_varargs") {
    result = Value::boolean(signature.uses_varargs);
  } else if (name == "caller") {
    result = Value::boolean(signature.uses_caller);
  } else {
    return false;
  }
  return true;
}

Loop::Loop(const For& statement, const Value& iterable, Next next, std::shared_ptr<Scope> scope, int depth)
    : Object(Kind::kOther, iterable.depth() + 1, 1),
      statement_(statement),
      scope_(std::move(scope)),
      depth_(depth),
      next_(std::move(next)) {
  if (this->depth > kMaxValueDepth) throw Failure("values are nested too deeply");
  if (statement.filter == nullptr && has_length(iterable)) length_ = static_cast<int64_t>(length_of(iterable));
}

bool Loop::peek() const {
  if (!has_after_ && !at_end_) {
    has_after_ = next_(after_);
    at_end_ = !has_after_;
  }
  return has_after_;
}

bool Loop::advance() {
  if (!peek()) return false;
  before_ = std::move(current_);
  current_ = std::move(after_);
  has_after_ = false;
  ++index_;
  return true;
}

size_t Loop::length() const {
  if (length_ < 0) {
    auto rest = std::make_shared<std::vector<Value>>();
    for (Value item; next_(item);) {
      if (rest->size() >= kMaxWeight) throw Failure("a sequence is too long");
      rest->push_back(std::move(item));
    }
    length_ = static_cast<int64_t>(rest->size()) + index_ + 1 + (has_after_ ? 1 : 0);
    next_ = [rest, i = size_t{0}](Value& out) mutable {
      if (i >= rest->size()) return false;
      out = (*rest)[i++];
      return true;
    };
  }
  return static_cast<size_t>(length_);
}

std::string Loop::repr() const { return fmt::format("<LoopContext {}/{}>", index_ + 1, length()); }

bool Loop::attribute(const std::string& name, Value& result) const {
  const auto integer = [&result](int64_t value) { return result = Value::integer(value), true; };
  const auto boolean = [&result](bool value) { return result = Value::boolean(value), true; };
  if (name == "index") return integer(index_ + 1);
  if (name == "index0") return integer(index_);
  if (name == "first") return boolean(index_ == 0);
  if (name == "last") return boolean(!peek());
  if (name == "length") return integer(static_cast<int64_t>(length()));
  if (name == "revindex") return integer(static_cast<int64_t>(length()) - index_);
  if (name == "revindex0") return integer(static_cast<int64_t>(length()) - index_ - 1);
  if (name == "depth") return integer(depth_ + 1);
  if (name == "depth0") return integer(depth_);
  if (name == "previtem") return result = index_ == 0 ? Value::undefined("there is no previous item") : before_, true;
  if (name == "nextitem") return result = peek() ? after_ : Value::undefined("there is no next item"), true;
  if (name != "cycle" && name != "changed") return false;
  result = bound(name);
  return true;
}

Value Loop::bound(const std::string& name) const {
  auto self = std::const_pointer_cast<Object>(shared_from_this());
  return std::make_shared<Function>(name, "method", Value(self), [self, name](Interpreter&, const Arguments& arguments) {
    auto& loop = static_cast<Loop&>(*self);
    return name == "cycle" ? loop.cycle(arguments) : loop.changed(arguments);
  });
}

Value Loop::cycle(const Arguments& arguments) const {
  if (arguments.positional.empty()) throw Failure("no items for cycling given");
  return arguments.positional[static_cast<size_t>(index_) % arguments.positional.size()];
}

Value Loop::changed(const Arguments& arguments) {
  Value values = Value::tuple(arguments.positional);
  const bool is_new = !equals(values, last_changed_);
  if (is_new) last_changed_ = std::move(values);
  return Value::boolean(is_new);
}

Value Loop::call(Interpreter& interpreter, const Arguments& arguments) {
  if (!statement_.recursive) throw Failure("the loop must have the 'recursive' marker to be called recursively");
  const Parameters parameters("loop", arguments, {"iterable"}, 1);
  std::string text;
  const Interpreter::Redirect redirect(interpreter, text);
  const Interpreter::Enter enter(interpreter, scope_);
  statement_.run(interpreter, parameters.at(0), depth_ + 1);
  return Value::text(std::move(text));
}

}  // namespace ondol::jinja
