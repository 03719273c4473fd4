// Objects that run template code when they are called: macros and the `loop` variable.
#pragma once

#include <memory>
#include <string>

#include "text/jinja/interpreter.h"

namespace ondol::jinja {

struct Macro : Object {
  Macro(const Signature& signature, std::shared_ptr<Scope> scope)
      : Object(Kind::kOther), signature(signature), scope(std::move(scope)) {}
  std::string type_name() const override { return "Macro"; }
  std::string repr() const override { return "<Macro '" + signature.name + "'>"; }
  bool attribute(const std::string& name, Value& result) const override;
  bool callable() const override { return true; }
  Value call(Interpreter& interpreter, const Arguments& arguments) override {
    return interpreter.call_macro(signature, scope, arguments);
  }

  const Signature& signature;
  const std::shared_ptr<Scope> scope;
};

/// `loop`: where a for statement stands. Items are read one ahead at most, so that a filter in the for statement sees
/// what the body did before; asking for the length reads all.
struct Loop : Object {
  Loop(const For& statement, const Value& iterable, Next next, std::shared_ptr<Scope> scope, int depth);
  std::string type_name() const override { return "LoopContext"; }
  std::string repr() const override;
  bool truth() const override { return length() > 0; }
  bool attribute(const std::string& name, Value& result) const override;
  bool callable() const override { return true; }
  /// Renders the body for other items, one level deeper: {% for ... recursive %}.
  Value call(Interpreter& interpreter, const Arguments& arguments) override;

  /// Goes to the next item; false at the end.
  bool advance();
  size_t length() const;
  const Value& current() const { return current_; }
  Value cycle(const Arguments& arguments) const;
  Value changed(const Arguments& arguments);

 private:
  bool peek() const;
  Value bound(const std::string& name) const;

  const For& statement_;
  const std::shared_ptr<Scope> scope_;  // around the statement
  const int depth_;
  mutable Next next_;
  mutable bool has_after_ = false, at_end_ = false;
  mutable Value after_;
  mutable int64_t length_ = -1;
  int64_t index_ = -1;  // from 0
  Value before_, current_;
  Value last_changed_;
};

}  // namespace ondol::jinja
