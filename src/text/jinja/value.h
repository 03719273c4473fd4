// Value: what a template variable can be. Python's types, as far as templates meet them.
//
// Values are immutable but for Namespace, generators and the few helper objects, so copies share their contents. Every
// container knows its depth and the number of values inside it, and refuses to grow past limits.h: recursion over a
// value is therefore always safe, and its cost is known beforehand (weight).
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "text/jinja/limits.h"

namespace ondol::jinja {

class Interpreter;
struct Arguments;

/// Wide enough for every integer of JSON. Python's integers have no limit; past this one there is an error.
__extension__ typedef __int128 Integer;

enum class Kind : uint8_t {
  kUndefined,
  kNone,
  kBool,
  kInt,
  kFloat,
  kText,
  kList,
  kTuple,
  kDict,
  kView,
  kRange,
  kGenerator,
  kNamespace,
  kOther
};

/// A string. Markup is text that the `safe` and `escape` filters marked as HTML: operators on it escape their operands.
struct Text {
  std::string bytes;
  size_t n_code_points;
  bool markup;

  bool is_ascii() const { return n_code_points == bytes.size(); }
};

class Value;

/// Base of everything that is shared by reference.
class Object : public std::enable_shared_from_this<Object> {
 public:
  Object(Kind kind, uint32_t depth, uint64_t weight) : kind(kind), depth(depth), weight(weight) {}
  explicit Object(Kind kind) : Object(kind, 1, 1) {}
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() = default;

  virtual std::string type_name() const = 0;
  virtual std::string repr() const;
  virtual bool truth() const { return true; }
  /// Fills `result` and returns true if the object has this attribute. Methods of str, list and dict: methods.h.
  virtual bool attribute(const std::string& name, Value& result) const;
  virtual bool callable() const { return false; }
  virtual Value call(Interpreter& interpreter, const Arguments& arguments);

  const Kind kind;
  const uint32_t depth;
  const uint64_t weight;
};

struct Sequence;
struct Dict;
struct Undefined;

class Value {
 public:
  Value() = default;  // None
  template <std::derived_from<Object> T>
  Value(std::shared_ptr<T> object) : kind_(object->kind), data_(std::shared_ptr<Object>(std::move(object))) {}
  static Value boolean(bool value);
  static Value integer(Integer value);
  static Value real(double value);
  static Value text(std::string value, bool markup = false);
  static Value list(std::vector<Value> items);
  static Value tuple(std::vector<Value> items);
  static Value undefined(std::string message);

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_undefined() const { return kind_ == Kind::kUndefined; }
  bool is_none() const { return kind_ == Kind::kNone; }
  bool is_text() const { return kind_ == Kind::kText; }
  bool is_markup() const { return is_text() && text().markup; }
  /// Python's isinstance(x, int), which holds for booleans.
  bool is_integer() const { return kind_ == Kind::kInt || kind_ == Kind::kBool; }
  bool is_number() const { return is_integer() || kind_ == Kind::kFloat; }
  bool is_sequence() const { return kind_ == Kind::kList || kind_ == Kind::kTuple; }
  bool is_dict() const { return kind_ == Kind::kDict; }

  // Each of these requires the matching kind.
  bool as_bool() const { return std::get<bool>(data_); }
  Integer as_integer() const { return kind_ == Kind::kBool ? as_bool() : std::get<Integer>(data_); }
  double as_real() const { return kind_ == Kind::kFloat ? std::get<double>(data_) : static_cast<double>(as_integer()); }
  const Text& text() const { return *std::get<std::shared_ptr<const Text>>(data_); }
  std::string_view str() const { return text().bytes; }
  const std::vector<Value>& items() const;
  const Dict& dict() const;
  const std::shared_ptr<Object>& object() const { return std::get<std::shared_ptr<Object>>(data_); }
  /// The object behind this value if it is a T, or nullptr.
  template <typename T>
  T* get() const {
    const auto* object = std::get_if<std::shared_ptr<Object>>(&data_);
    return object == nullptr ? nullptr : dynamic_cast<T*>(object->get());
  }

  bool truth() const;
  /// Python's name of the type: str, int, NoneType, dict, ...
  std::string type_name() const;
  uint32_t depth() const;
  uint64_t weight() const;
  /// The same object, as `is sameas` sees it.
  bool same_as(const Value& other) const;

 private:
  Kind kind_ = Kind::kNone;
  std::variant<std::monostate, bool, Integer, double, std::shared_ptr<const Text>, std::shared_ptr<Object>> data_;
};

/// A list or a tuple. The groups that the groupby filter makes are tuples with attributes.
struct Sequence : Object {
  Sequence(Kind kind, std::vector<Value> values, bool is_group = false);
  std::string type_name() const override { return kind == Kind::kList ? "list" : "tuple"; }
  bool truth() const override { return !items.empty(); }
  bool attribute(const std::string& name, Value& result) const override;

  const std::vector<Value> items;
  const bool is_group;
};

/// A dict: pairs in order of insertion. Keys are hashable values.
struct Dict : Object {
  using Pairs = std::vector<std::pair<Value, Value>>;
  /// Later pairs replace the value of earlier ones with the same key, as in Python. Unhashable keys are a Failure.
  explicit Dict(Pairs pairs);
  std::string type_name() const override { return "dict"; }
  bool truth() const override { return !pairs.empty(); }

  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;

  const Pairs pairs;

 private:
  struct Built;
  explicit Dict(Built built);
  std::unordered_multimap<size_t, size_t> index_;  // hash of the key to position; empty for small dicts
};

/// What a missing variable or attribute yields. Using it is a Failure with `message`.
struct Undefined : Object {
  explicit Undefined(std::string text) : Object(Kind::kUndefined), message(std::move(text)) {}
  std::string type_name() const override { return "Undefined"; }
  bool truth() const override { return false; }

  const std::string message;
};

/// d.keys(), d.values() and d.items().
struct DictView : Object {
  enum class Part : uint8_t { kKeys, kValues, kItems };
  DictView(Value dict, Part part);
  std::string type_name() const override;
  bool truth() const override { return !dict.dict().pairs.empty(); }
  Value at(size_t index) const;

  const Value dict;
  const Part part;
};

struct Range : Object {
  Range(int64_t start, int64_t stop, int64_t step);
  std::string type_name() const override { return "range"; }
  bool truth() const override { return size > 0; }
  Value at(size_t index) const { return Value::integer(start + static_cast<int64_t>(index) * step); }

  const int64_t start, stop, step;
  const size_t size;
};

/// Yields the next value, or false at the end.
using Next = std::function<bool(Value&)>;

/// What lazy filters return: it can be run through once. `source` is what it reads, for the depth.
struct Generator : Object {
  Generator(std::string name, const Value& source, Next next);
  std::string type_name() const override { return is_iterator ? name : "generator"; }
  std::string repr() const override;

  const std::string name;
  bool is_iterator = false;  // the result of `reverse`, whose Python type is named after what it runs through
  Next next;
};

/// namespace(...): the one object whose attributes a template can assign.
struct Namespace : Object {
  Namespace() : Object(Kind::kNamespace) {}
  std::string type_name() const override { return "Namespace"; }
  bool attribute(const std::string& name, Value& result) const override;
  /// Refuses names that begin with an underscore.
  void set(const std::string& name, Value value);

  std::vector<std::pair<std::string, Value>> attributes;
};

/// A function that C++ provides: a global, or a method bound to its receiver (for the depth).
struct Function : Object {
  using Body = std::function<Value(Interpreter&, const Arguments&)>;
  Function(std::string name, std::string type, const Value& receiver, Body body);
  std::string type_name() const override { return type; }
  std::string repr() const override { return "<" + type + " " + name + ">"; }
  bool callable() const override { return true; }
  Value call(Interpreter& interpreter, const Arguments& arguments) override { return body(interpreter, arguments); }

  const std::string name, type;
  const Body body;
};

/// Runs through a value; not iterable is a Failure. A generator is consumed.
Next iterate(const Value& value);
std::vector<Value> collect(const Value& value);
bool is_iterable(const Value& value);
/// Python's len(); a Failure for what has none.
size_t length_of(const Value& value);
bool has_length(const Value& value);

/// "'int' object" or "None", as Jinja2's messages name a value.
std::string describe_type(const Value& value);
/// Fails with the message of an undefined value; returns for all others.
void require_defined(const Value& value);

}  // namespace ondol::jinja
