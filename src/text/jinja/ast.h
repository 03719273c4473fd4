// The tree of a parsed template. Nodes are immutable and know how to run themselves on an Interpreter:
// expressions in evaluate.cpp, statements in execute.cpp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja/compare.h"
#include "text/jinja/filters.h"
#include "text/jinja/tests.h"
#include "text/jinja/value.h"

namespace ondol::jinja {

/// A variable's name as a small number (Names in template.h holds the text).
using NameId = uint32_t;

struct Expression {
  Expression(Position position, int depth) : position(position), depth(depth) {}
  virtual ~Expression() = default;
  virtual Value evaluate(Interpreter& interpreter) const = 0;

  const Position position;
  const int depth;  // of the tree below, at most kMaxNodeDepth
};
using ExpressionPtr = std::unique_ptr<const Expression>;

/// How a statement ended: a loop control leaves the statements around it.
enum class Flow : uint8_t { kNormal, kBreak, kContinue };

struct Statement {
  explicit Statement(Position position) : position(position) {}
  virtual ~Statement() = default;
  virtual Flow execute(Interpreter& interpreter) const = 0;

  const Position position;
};
using Block = std::vector<std::unique_ptr<const Statement>>;

// -- expressions
// ----------------------------------------------------------------------------------------------------------

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr star;         // *expression
  ExpressionPtr double_star;  // **expression

  int depth() const;
};

struct Literal : Expression {
  Literal(Position position, Value value) : Expression(position, 1), value(std::move(value)) {}
  Value evaluate(Interpreter&) const override { return value; }
  const Value value;
};

struct Variable : Expression {
  Variable(Position position, NameId name) : Expression(position, 1), name(name) {}
  Value evaluate(Interpreter& interpreter) const override;
  const NameId name;
};

struct SequenceDisplay : Expression {
  SequenceDisplay(Position position, Kind kind, std::vector<ExpressionPtr> items);
  Value evaluate(Interpreter& interpreter) const override;
  const Kind kind;  // kList or kTuple
  const std::vector<ExpressionPtr> items;
};

struct DictDisplay : Expression {
  using Pairs = std::vector<std::pair<ExpressionPtr, ExpressionPtr>>;
  DictDisplay(Position position, Pairs pairs);
  Value evaluate(Interpreter& interpreter) const override;
  const Pairs pairs;
};

enum class UnaryOperator : uint8_t { kNot, kNegative, kPositive };

struct Unary : Expression {
  Unary(Position position, UnaryOperator op, ExpressionPtr operand);
  Value evaluate(Interpreter& interpreter) const override;
  const UnaryOperator op;
  const ExpressionPtr operand;
};

enum class BinaryOperator : uint8_t { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower, kAnd, kOr };

struct Binary : Expression {
  Binary(Position position, BinaryOperator op, ExpressionPtr left, ExpressionPtr right);
  Value evaluate(Interpreter& interpreter) const override;
  const BinaryOperator op;
  const ExpressionPtr left, right;
};

/// a ~ b ~ c
struct Concatenation : Expression {
  Concatenation(Position position, std::vector<ExpressionPtr> parts);
  Value evaluate(Interpreter& interpreter) const override;
  const std::vector<ExpressionPtr> parts;
};

/// a < b <= c in d: every operand is evaluated once.
struct ComparisonChain : Expression {
  struct Link {
    enum class Type : uint8_t { kCompare, kIn, kNotIn };
    Type type;
    Comparison comparison;  // for kCompare
    ExpressionPtr operand;
  };
  ComparisonChain(Position position, ExpressionPtr first, std::vector<Link> links);
  Value evaluate(Interpreter& interpreter) const override;
  const ExpressionPtr first;
  const std::vector<Link> links;
};

struct Conditional : Expression {
  Conditional(Position position, ExpressionPtr condition, ExpressionPtr then, ExpressionPtr otherwise);
  Value evaluate(Interpreter& interpreter) const override;
  const ExpressionPtr condition, then, otherwise;  // otherwise may be null
};

struct Attribute : Expression {
  Attribute(Position position, ExpressionPtr object, std::string name);
  Value evaluate(Interpreter& interpreter) const override;
  const ExpressionPtr object;
  const std::string name;
};

struct Subscript : Expression {
  Subscript(Position position, ExpressionPtr object, ExpressionPtr index);
  Value evaluate(Interpreter& interpreter) const override;
  const ExpressionPtr object, index;
};

/// object[start:stop:step]; parts may be null.
struct Slice : Expression {
  Slice(Position position, ExpressionPtr object, ExpressionPtr start, ExpressionPtr stop, ExpressionPtr step);
  Value evaluate(Interpreter& interpreter) const override;
  const ExpressionPtr object, start, stop, step;
};

struct Call : Expression {
  Call(Position position, ExpressionPtr callee, CallArguments arguments);
  Value evaluate(Interpreter& interpreter) const override;
  const ExpressionPtr callee;
  const CallArguments arguments;
};

/// input | name(arguments). Without an input it stands at the head of a filter block.
struct FilterCall : Expression {
  FilterCall(Position position, ExpressionPtr input, std::string name, CallArguments arguments);
  Value evaluate(Interpreter& interpreter) const override;
  Value apply(Interpreter& interpreter, const Value& block_text) const;
  const ExpressionPtr input;
  const std::string name;
  const FilterFunction filter;  // null: unknown, a Failure when it is reached
  const CallArguments arguments;
};

struct TestCall : Expression {
  TestCall(Position position, ExpressionPtr input, std::string name, CallArguments arguments);
  Value evaluate(Interpreter& interpreter) const override;
  const ExpressionPtr input;
  const std::string name;
  const TestFunction test;  // null: unknown, a Failure when it is reached
  const CallArguments arguments;
};

// -- statements
// -------------------------------------------------------------------------------------------------------------

/// What can stand left of "=": a name, an attribute of a namespace, or a tuple of targets.
struct Target {
  Position position;
  NameId name = 0;
  std::string attribute;      // not empty: name.attribute
  std::vector<Target> parts;  // a tuple
  bool is_tuple = false;
};

struct PlainText : Statement {
  PlainText(Position position, std::string text) : Statement(position), text(std::move(text)) {}
  Flow execute(Interpreter& interpreter) const override;
  const std::string text;
};

struct Output : Statement {
  Output(Position position, ExpressionPtr value) : Statement(position), value(std::move(value)) {}
  Flow execute(Interpreter& interpreter) const override;
  const ExpressionPtr value;
};

/// {% do %}
struct Evaluation : Statement {
  Evaluation(Position position, ExpressionPtr value) : Statement(position), value(std::move(value)) {}
  Flow execute(Interpreter& interpreter) const override;
  const ExpressionPtr value;
};

struct If : Statement {
  explicit If(Position position) : Statement(position) {}
  Flow execute(Interpreter& interpreter) const override;
  std::vector<std::pair<ExpressionPtr, Block>> branches;
  Block otherwise;
};

struct For : Statement {
  explicit For(Position position) : Statement(position) {}
  Flow execute(Interpreter& interpreter) const override;
  /// Runs the loop over `values` in the interpreter's scope.
  void run(Interpreter& interpreter, const Value& values, int loop_depth) const;
  Target target;
  ExpressionPtr iterable;
  ExpressionPtr filter;  // may be null
  bool recursive = false;
  NameId loop_name = 0;
  Block body, otherwise;
};

struct LoopControl : Statement {
  LoopControl(Position position, Flow flow) : Statement(position), flow(flow) {}
  Flow execute(Interpreter&) const override { return flow; }
  const Flow flow;
};

struct Set : Statement {
  explicit Set(Position position) : Statement(position) {}
  Flow execute(Interpreter& interpreter) const override;
  Target target;
  ExpressionPtr value;
};

/// {% set target | filters %}body{% endset %}
struct SetBlock : Statement {
  explicit SetBlock(Position position) : Statement(position) {}
  Flow execute(Interpreter& interpreter) const override;
  Target target;
  ExpressionPtr filters;  // a chain of FilterCall, or null
  Block body;
};

/// What macros and call blocks share.
struct Signature {
  std::string name;
  std::vector<std::pair<NameId, std::string>> parameters;
  std::vector<ExpressionPtr> defaults;  // of the last parameters
  bool uses_caller = false, uses_kwargs = false, uses_varargs = false;
  NameId caller = 0, kwargs = 0, varargs = 0;
  Block body;
};

struct MacroDefinition : Statement {
  explicit MacroDefinition(Position position) : Statement(position) {}
  Flow execute(Interpreter& interpreter) const override;
  NameId name = 0;
  Signature signature;
};

/// {% call(parameters) callee(arguments) %}body{% endcall %}
struct CallBlock : Statement {
  explicit CallBlock(Position position) : Statement(position) {}
  Flow execute(Interpreter& interpreter) const override;
  Signature signature;
  ExpressionPtr call;
};

struct FilterBlock : Statement {
  explicit FilterBlock(Position position) : Statement(position) {}
  Flow execute(Interpreter& interpreter) const override;
  ExpressionPtr filters;
  Block body;
};

struct With : Statement {
  explicit With(Position position) : Statement(position) {}
  Flow execute(Interpreter& interpreter) const override;
  std::vector<std::pair<Target, ExpressionPtr>> assignments;
  Block body;
};

/// {% generation %}: its text is what the assistant wrote.
struct Generation : Statement {
  explicit Generation(Position position) : Statement(position) {}
  Flow execute(Interpreter& interpreter) const override;
  Block body;
};

/// {% block name %} and {% autoescape %}: a scope of its own.
struct ScopedBlock : Statement {
  explicit ScopedBlock(Position position) : Statement(position) {}
  Flow execute(Interpreter& interpreter) const override;
  bool from_root = false;  // {% block %} without `scoped` sees only the outermost variables
  Block body;
};

/// {% include %}, {% import %}, {% extends %}: there is nothing to load from, so reaching one is a Failure.
struct Unavailable : Statement {
  Unavailable(Position position, std::string tag) : Statement(position), tag(std::move(tag)) {}
  Flow execute(Interpreter& interpreter) const override;
  const std::string tag;
};

}  // namespace ondol::jinja
