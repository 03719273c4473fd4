// Interpreter: one rendering of a template. Holds the scopes, the output and what is left of the limits.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "text/jinja/arguments.h"
#include "text/jinja/ast.h"
#include "text/jinja/limits.h"
#include "text/jinja/parser.h"

namespace ondol::jinja {

/// Variables of one block. Lookup goes outwards; assignment is always to the innermost.
class Scope {
 public:
  explicit Scope(std::shared_ptr<Scope> parent) : parent_(std::move(parent)) {}

  const Value* find(NameId name) const;
  void set(NameId name, Value value);
  void clear() { variables_.clear(); }

 private:
  std::shared_ptr<Scope> parent_;
  std::vector<std::pair<NameId, Value>> variables_;
};

class Interpreter {
 public:
  Interpreter(const ParsedTemplate& source, const Limits& limits, int64_t now_unix_seconds);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  void run(const json::object& context);
  std::string take_output() { return std::move(output_); }
  std::vector<std::pair<size_t, size_t>> take_generation_spans() { return std::move(generation_spans_); }
  Position position() const { return position_; }
  int64_t now_unix_seconds() const { return now_; }

  // -- for nodes --
  Value evaluate(const Expression& expression);
  Value evaluate_or_none(const ExpressionPtr& expression) { return expression ? evaluate(*expression) : Value(); }
  Arguments evaluate_arguments(const CallArguments& arguments);
  Flow execute(const Block& block);
  /// Runs a block in a scope of its own and returns what it wrote.
  std::string capture(const Block& block);
  void write(std::string_view text);
  /// Errors from here on are at this place.
  void at(Position position) { position_ = position; }

  Value lookup(NameId name) const;
  void assign(const Target& target, const Value& value);
  std::shared_ptr<Scope> scope() const { return scope_; }
  /// The scope of the template itself, outside every block.
  std::shared_ptr<Scope> top_level() const { return top_level_; }
  const Names& names() const { return source_.names; }

  Value make_macro(const Signature& signature);
  Value call_macro(const Signature& signature, const std::shared_ptr<Scope>& scope, const Arguments& arguments);
  void add_generation(std::string_view text);
  size_t output_size() const { return output_.size(); }

  // -- for filters, tests, methods and globals --
  Value call(const Value& callee, const Arguments& arguments);
  Value call_filter(const Value& name, const Value& input, const Arguments& arguments);
  bool call_test(const Value& name, const Value& input, const Arguments& arguments);
  std::shared_ptr<Namespace> make_namespace();

  /// Takes `n` off the steps that are left.
  void work(uint64_t n);
  /// Takes the size of a value that was just made off the memory that is left, and returns it. A value that is also
  /// held elsewhere is not new and costs nothing.
  Value account(Value value);
  /// Takes the work of a call on `input` off the steps that are left.
  void work_on(const Value& input, const Arguments& arguments);

  /// Makes `inner` the scope for as long as it lives.
  class Enter {
   public:
    Enter(Interpreter& interpreter, std::shared_ptr<Scope> inner)
        : interpreter_(interpreter), outer_(std::move(inner)) {
      interpreter_.scope_.swap(outer_);
    }
    ~Enter() { interpreter_.scope_.swap(outer_); }
    Enter(const Enter&) = delete;
    Enter& operator=(const Enter&) = delete;

   private:
    Interpreter& interpreter_;
    std::shared_ptr<Scope> outer_;
  };
  std::shared_ptr<Scope> inner_scope() const { return std::make_shared<Scope>(scope_); }

  /// Redirects the output into `buffer` for as long as it lives.
  class Redirect {
   public:
    Redirect(Interpreter& interpreter, std::string& buffer) : interpreter_(interpreter), old_(interpreter.sink_) {
      interpreter_.sink_ = &buffer;
    }
    ~Redirect() { interpreter_.sink_ = old_; }
    Redirect(const Redirect&) = delete;
    Redirect& operator=(const Redirect&) = delete;

   private:
    Interpreter& interpreter_;
    std::string* old_;
  };

 private:
  struct Depth;
  uint64_t size_of_new(const Value& value) const;
  void allocate(uint64_t n_bytes);
  void bind_parameters(const Signature& signature, const Arguments& arguments);

  const ParsedTemplate& source_;
  const Limits limits_;
  const int64_t now_;
  Position position_;
  uint64_t steps_left_;
  uint64_t bytes_left_;
  int depth_ = 0;
  int macro_depth_ = 0;
  std::shared_ptr<Scope> top_level_;
  std::shared_ptr<Scope> scope_;
  std::string output_;
  std::string* sink_ = &output_;
  std::vector<std::pair<size_t, size_t>> generation_spans_;
  // Macros hold scopes that hold macros, and namespaces may hold themselves: these rings are cut at the end.
  std::vector<std::shared_ptr<Scope>> captured_scopes_;
  std::vector<std::shared_ptr<Namespace>> namespaces_;
};

}  // namespace ondol::jinja
