#include "text/jinja/interpreter.h"

#include <fmt/format.h>

#include "text/jinja/convert.h"
#include "text/jinja/globals.h"
#include "text/jinja/macro.h"

namespace ondol::jinja {

const Value* Scope::find(NameId name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->parent_.get()) {
    for (const auto& [id, value] : scope->variables_) {
      if (id == name) return &value;
    }
  }
  return nullptr;
}

void Scope::set(NameId name, Value value) {
  for (auto& [id, old] : variables_) {
    if (id != name) continue;
    old = std::move(value);
    return;
  }
  variables_.emplace_back(name, std::move(value));
}

struct Interpreter::Depth {
  explicit Depth(Interpreter& interpreter) : interpreter(interpreter) {
    if (++interpreter.depth_ > interpreter.limits_.max_evaluation_depth) {
      --interpreter.depth_;
      throw Failure("the template recurses too deeply");
    }
  }
  ~Depth() { --interpreter.depth_; }
  Interpreter& interpreter;
};

Interpreter::Interpreter(const ParsedTemplate& source, const Limits& limits, int64_t now_unix_seconds)
    : source_(source),
      limits_(limits),
      now_(now_unix_seconds),
      steps_left_(limits.max_steps),
      bytes_left_(limits.max_allocated_bytes),
      top_level_(std::make_shared<Scope>(nullptr)),
      scope_(top_level_) {}

Interpreter::~Interpreter() {
  for (const auto& scope : captured_scopes_) scope->clear();
  for (const auto& names : namespaces_) names->attributes.clear();
}

void Interpreter::run(const json::object& context) {
  for (const Global& global : globals()) {
    NameId id;
    if (names().find(global.name, id)) top_level_->set(id, make_global(global));
  }
  for (const auto& [name, value] : context) {
    NameId id;
    if (names().find(name, id)) top_level_->set(id, from_json(value));
  }
  execute(source_.body);
}

Value Interpreter::evaluate(const Expression& expression) {
  const Depth depth(*this);
  work(1);
  position_ = expression.position;
  return expression.evaluate(*this);
}

Arguments Interpreter::evaluate_arguments(const CallArguments& arguments) {
  Arguments result;
  for (const ExpressionPtr& argument : arguments.positional) result.positional.push_back(evaluate(*argument));
  for (const auto& [name, argument] : arguments.named) result.named.emplace_back(name, evaluate(*argument));
  if (arguments.star) {
    for (Value& value : collect(evaluate(*arguments.star))) result.positional.push_back(std::move(value));
  }
  if (arguments.double_star) {
    const Value map = evaluate(*arguments.double_star);
    if (!map.is_dict()) throw Failure(fmt::format("argument after ** must be a mapping, not {}", map.type_name()));
    for (const auto& [key, value] : map.dict().pairs) {
      if (!key.is_text()) throw Failure("keywords must be strings");
      if (result.find(key.str()) != nullptr) throw Failure(fmt::format("got multiple values for argument '{}'", key.str()));
      result.named.emplace_back(std::string(key.str()), value);
    }
  }
  return result;
}

Flow Interpreter::execute(const Block& block) {
  for (const auto& statement : block) {
    const Depth depth(*this);
    work(1);
    position_ = statement->position;
    const Flow flow = statement->execute(*this);
    if (flow != Flow::kNormal) return flow;
  }
  return Flow::kNormal;
}

std::string Interpreter::capture(const Block& block) {
  std::string text;
  const Redirect redirect(*this, text);
  const Enter enter(*this, inner_scope());
  execute(block);
  return text;
}

void Interpreter::write(std::string_view text) {
  const size_t limit = sink_ == &output_ ? limits_.max_output_bytes : kMaxTextBytes;
  if (sink_->size() + text.size() > limit) throw Failure("the output is too long");
  allocate(text.size());
  *sink_ += text;
}

Value Interpreter::lookup(NameId name) const {
  const Value* found = scope_->find(name);
  if (found != nullptr) return *found;
  return Value::undefined(fmt::format("'{}' is undefined", names().text(name)));
}

void Interpreter::assign(const Target& target, const Value& value) {
  if (target.is_tuple) {
    work_on(value, {});
    const std::vector<Value> items = collect(value);
    if (items.size() != target.parts.size()) {
      throw Failure(fmt::format("cannot unpack {} values into {} names", items.size(), target.parts.size()));
    }
    for (size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i]);
    return;
  }
  if (target.attribute.empty()) return scope_->set(target.name, value);
  const Value object = lookup(target.name);
  auto* names = object.get<Namespace>();
  if (names == nullptr) throw Failure("cannot assign attribute on non-namespace object");
  names->set(target.attribute, value);
}

void Interpreter::add_generation(std::string_view text) {
  generation_spans_.emplace_back(output_.size(), output_.size() + text.size());
  write(text);
}

// -- macros -------------------------------------------------------------------------------------------------------------

Value Interpreter::make_macro(const Signature& signature) {
  captured_scopes_.push_back(scope_);
  allocate(256);
  return std::make_shared<Macro>(signature, scope_);
}

Value Interpreter::call_macro(const Signature& signature, const std::shared_ptr<Scope>& scope, const Arguments& arguments) {
  if (macro_depth_ >= limits_.max_macro_depth) throw Failure("macros call each other too deeply");
  ++macro_depth_;
  struct Leave {
    int& depth;
    ~Leave() { --depth; }
  } const leave{macro_depth_};
  std::string text;
  const Redirect redirect(*this, text);
  const Enter enter(*this, std::make_shared<Scope>(scope));
  bind_parameters(signature, arguments);
  execute(signature.body);
  return Value::text(std::move(text));
}

void Interpreter::bind_parameters(const Signature& signature, const Arguments& arguments) {
  const size_t n_parameters = signature.parameters.size();
  const size_t n_plain = n_parameters - signature.defaults.size();
  const auto is_parameter = [&](const std::string& name, size_t from) {
    for (size_t i = from; i < n_parameters; ++i) {
      if (signature.parameters[i].second == name) return true;
    }
    return false;
  };
  Dict::Pairs rest;
  for (const auto& [name, value] : arguments.named) {
    if (is_parameter(name, arguments.positional.size()) || (name == "caller" && signature.uses_caller)) continue;
    if (!signature.uses_kwargs) throw Failure(fmt::format("macro '{}' takes no keyword argument '{}'", signature.name, name));
    rest.emplace_back(Value::text(name), value);
  }
  if (arguments.positional.size() > n_parameters && !signature.uses_varargs) {
    throw Failure(fmt::format("macro '{}' takes not more than {} argument(s)", signature.name, n_parameters));
  }
  if (signature.uses_caller) {
    const Value* caller = arguments.find("caller");
    scope_->set(signature.caller, caller != nullptr ? *caller : Value::undefined("no caller defined"));
  }
  if (signature.uses_kwargs) scope_->set(signature.kwargs, std::make_shared<Dict>(std::move(rest)));
  if (signature.uses_varargs) {
    const auto from = std::min(n_parameters, arguments.positional.size());
    scope_->set(signature.varargs, Value::tuple({arguments.positional.begin() + static_cast<std::ptrdiff_t>(from), arguments.positional.end()}));
  }
  for (size_t i = 0; i < n_parameters; ++i) {
    const auto& [id, name] = signature.parameters[i];
    const Value* given = i < arguments.positional.size() ? &arguments.positional[i] : arguments.find(name);
    if (given != nullptr) {
      scope_->set(id, *given);
    } else if (i >= n_plain) {
      scope_->set(id, evaluate(*signature.defaults[i - n_plain]));
    } else {
      scope_->set(id, Value::undefined(fmt::format("parameter '{}' was not provided", name)));
    }
  }
}

// -- calls --------------------------------------------------------------------------------------------------------------

Value Interpreter::call(const Value& callee, const Arguments& arguments) {
  const Depth depth(*this);
  require_defined(callee);
  if (auto* object = callee.get<Object>()) return account(object->call(*this, arguments));
  throw Failure(fmt::format("'{}' object is not callable", callee.type_name()));
}

Value Interpreter::call_filter(const Value& name, const Value& input, const Arguments& arguments) {
  const Depth depth(*this);
  const FilterFunction filter = name.is_text() ? find_filter(name.str()) : nullptr;
  if (filter == nullptr) throw Failure(fmt::format("no filter named {}", to_repr(name)));
  work_on(input, arguments);
  return account(filter(*this, input, arguments));
}

bool Interpreter::call_test(const Value& name, const Value& input, const Arguments& arguments) {
  const Depth depth(*this);
  const TestFunction test = name.is_text() ? find_test(name.str()) : nullptr;
  if (test == nullptr) throw Failure(fmt::format("no test named {}", to_repr(name)));
  work_on(input, arguments);
  return test(*this, input, arguments);
}

std::shared_ptr<Namespace> Interpreter::make_namespace() {
  allocate(256);
  namespaces_.push_back(std::make_shared<Namespace>());
  return namespaces_.back();
}

// -- limits -------------------------------------------------------------------------------------------------------------

void Interpreter::work(uint64_t n) {
  if (n > steps_left_) {
    steps_left_ = 0;
    throw Failure("the template takes too many steps");
  }
  steps_left_ -= n;
}

void Interpreter::allocate(uint64_t n_bytes) {
  if (n_bytes > bytes_left_) {
    bytes_left_ = 0;
    throw Failure("the template takes too much memory");
  }
  bytes_left_ -= n_bytes;
}

uint64_t Interpreter::size_of_new(const Value& value) const {
  constexpr uint64_t kObject = 64;
  if (value.is_text()) return kObject + value.str().size();
  if (!value.get<Object>() || value.object().use_count() > 1) return 0;
  uint64_t size = kObject;
  if (value.is_sequence()) {
    for (const Value& item : value.items()) size += sizeof(Value) + size_of_new(item);
  } else if (value.is_dict()) {
    for (const auto& [key, item] : value.dict().pairs) size += 2 * sizeof(Value) + kObject + size_of_new(key) + size_of_new(item);
  }
  return size;
}

Value Interpreter::account(Value value) {
  allocate(size_of_new(value));
  return value;
}

void Interpreter::work_on(const Value& input, const Arguments& arguments) {
  uint64_t longest = 0;
  for (const Value& argument : arguments.positional) {
    if (argument.is_text()) longest = std::max<uint64_t>(longest, argument.str().size());
  }
  for (const auto& [name, argument] : arguments.named) {
    if (argument.is_text()) longest = std::max<uint64_t>(longest, argument.str().size());
  }
  uint64_t size = 0;
  if (input.is_text()) size = input.str().size() / 256;
  if (has_length(input) && !input.is_text()) size = length_of(input) / 8;
  work(1 + (size + 1) * (longest / 64 + 1));
}

}  // namespace ondol::jinja
