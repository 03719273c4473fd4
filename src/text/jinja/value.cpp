#include "text/jinja/value.h"

#include <fmt/format.h>

#include "text/jinja/compare.h"
#include "text/jinja/convert.h"
#include "text/jinja/unicode.h"

namespace ondol::jinja {
namespace {

constexpr size_t kIndexFrom = 9;  // smaller dicts are searched from end to end

struct Size {
  uint32_t depth = 1;
  uint64_t weight = 1;

  void add(const Value& value) {
    depth = std::max(depth, value.depth() + 1);
    weight += value.weight();
    if (depth > kMaxValueDepth) throw Failure("values are nested too deeply");
    if (weight > kMaxWeight) throw Failure("a value is too large");
  }
};

Size size_of(const std::vector<Value>& items) {
  Size size;
  for (const Value& item : items) size.add(item);
  return size;
}

uint32_t depth_above(const Value& source) {
  Size size;
  size.add(source);
  return size.depth;
}

size_t range_size(int64_t start, int64_t stop, int64_t step) {
  if (step == 0) throw Failure("range() arg 3 must not be zero");
  if (step > 0 ? start >= stop : start <= stop) return 0;
  const Integer distance = step > 0 ? static_cast<Integer>(stop) - start : static_cast<Integer>(start) - stop;
  const Integer stride = step > 0 ? static_cast<Integer>(step) : -static_cast<Integer>(step);
  const Integer size = (distance + stride - 1) / stride;
  if (size > kMaxRange) throw Failure(fmt::format("range too big: at most {} items", kMaxRange));
  return static_cast<size_t>(size);
}

Next over_items(const Value& value) {
  return [value, i = size_t{0}](Value& out) mutable {
    if (i >= value.items().size()) return false;
    out = value.items()[i++];
    return true;
  };
}

Next over_text(const Value& value) {
  return [value, offset = size_t{0}](Value& out) mutable {
    if (offset >= value.str().size()) return false;
    const size_t begin = offset;
    next_code_point(value.str(), offset);
    out = Value::text(std::string(value.str().substr(begin, offset - begin)));  // of markup, too
    return true;
  };
}

Next over_keys(const Value& value) {
  return [value, i = size_t{0}](Value& out) mutable {
    if (i >= value.dict().pairs.size()) return false;
    out = value.dict().pairs[i++].first;
    return true;
  };
}

// `value` keeps alive the T whose elements at() yields.
template <typename T>
Next over_elements(const Value& value, size_t size) {
  return [value, size, i = size_t{0}](Value& out) mutable {
    if (i >= size) return false;
    out = value.get<T>()->at(i++);
    return true;
  };
}

}  // namespace

std::string Object::repr() const {
  return "<" + type_name() + " object>";
}
bool Object::attribute(const std::string&, Value&) const {
  return false;
}
Value Object::call(Interpreter&, const Arguments&) {
  throw Failure(fmt::format("'{}' object is not callable", type_name()));
}

Value Value::boolean(bool value) {
  Value result;
  result.kind_ = Kind::kBool;
  result.data_ = value;
  return result;
}

Value Value::integer(Integer value) {
  Value result;
  result.kind_ = Kind::kInt;
  result.data_ = value;
  return result;
}

Value Value::real(double value) {
  Value result;
  result.kind_ = Kind::kFloat;
  result.data_ = value;
  return result;
}

Value Value::text(std::string value, bool markup) {
  if (value.size() > kMaxTextBytes) throw Failure("a string is too long");
  Value result;
  result.kind_ = Kind::kText;
  const size_t n_code_points = count_code_points(value);
  result.data_ = std::make_shared<const Text>(Text{std::move(value), n_code_points, markup});
  return result;
}

Value Value::list(std::vector<Value> items) {
  return std::make_shared<Sequence>(Kind::kList, std::move(items));
}
Value Value::tuple(std::vector<Value> items) {
  return std::make_shared<Sequence>(Kind::kTuple, std::move(items));
}
Value Value::undefined(std::string message) {
  return std::make_shared<Undefined>(std::move(message));
}

const std::vector<Value>& Value::items() const {
  return static_cast<const Sequence&>(*object()).items;
}
const Dict& Value::dict() const {
  return static_cast<const Dict&>(*object());
}

bool Value::truth() const {
  switch (kind_) {
    case Kind::kNone:
      return false;
    case Kind::kBool:
      return as_bool();
    case Kind::kInt:
      return as_integer() != 0;
    case Kind::kFloat:
      return as_real() != 0;
    case Kind::kText:
      return !str().empty();
    default:
      return object()->truth();
  }
}

std::string Value::type_name() const {
  switch (kind_) {
    case Kind::kNone:
      return "NoneType";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kText:
      return is_markup() ? "Markup" : "str";
    default:
      return object()->type_name();
  }
}

uint32_t Value::depth() const {
  const auto* object = std::get_if<std::shared_ptr<Object>>(&data_);
  return object == nullptr ? 0 : (*object)->depth;
}

uint64_t Value::weight() const {
  if (kind_ == Kind::kText) return 1 + str().size() / 64;
  const auto* object = std::get_if<std::shared_ptr<Object>>(&data_);
  return object == nullptr ? 1 : (*object)->weight;
}

bool Value::same_as(const Value& other) const {
  if (kind_ != other.kind_) return false;
  const auto* object = std::get_if<std::shared_ptr<Object>>(&data_);
  if (object == nullptr) return equals(*this, other);
  return *object == other.object();
}

Sequence::Sequence(Kind kind, std::vector<Value> values, bool is_group)
    : Object(kind, size_of(values).depth, size_of(values).weight), items(std::move(values)), is_group(is_group) {}

bool Sequence::attribute(const std::string& name, Value& result) const {
  if (!is_group || (name != "grouper" && name != "list")) return false;
  result = items[name == "list" ? 1 : 0];
  return true;
}

struct Dict::Built {
  Pairs pairs;
  std::unordered_multimap<size_t, size_t> index;
  Size size;
};

Dict::Dict(Built built)
    : Object(Kind::kDict, built.size.depth, built.size.weight),
      pairs(std::move(built.pairs)),
      index_(std::move(built.index)) {}

Dict::Dict(Pairs pairs)
    : Dict([&pairs] {
        Built built;
        std::unordered_multimap<size_t, size_t> index;
        for (auto& [key, value] : pairs) {
          const size_t hash = hash_of(key);
          const auto [begin, end] = index.equal_range(hash);
          const auto found =
              std::find_if(begin, end, [&](const auto& entry) { return equals(built.pairs[entry.second].first, key); });
          if (found != end) {
            built.pairs[found->second].second = std::move(value);
            continue;
          }
          index.emplace(hash, built.pairs.size());
          built.pairs.emplace_back(std::move(key), std::move(value));
        }
        for (const auto& [key, value] : built.pairs) {
          built.size.add(key);
          built.size.add(value);
        }
        if (built.pairs.size() >= kIndexFrom) built.index = std::move(index);
        return built;
      }()) {}

const Value* Dict::find(const Value& key) const {
  const size_t hash = hash_of(key);
  if (index_.empty()) {
    for (const auto& [name, value] : pairs) {
      if (equals(name, key)) return &value;
    }
    return nullptr;
  }
  const auto [begin, end] = index_.equal_range(hash);
  for (auto entry = begin; entry != end; ++entry) {
    if (equals(pairs[entry->second].first, key)) return &pairs[entry->second].second;
  }
  return nullptr;
}

const Value* Dict::find(std::string_view key) const {
  return find(Value::text(std::string(key)));
}

DictView::DictView(Value dict, Part part)
    : Object(Kind::kView, depth_above(dict), dict.weight()), dict(std::move(dict)), part(part) {}

std::string DictView::type_name() const {
  return part == Part::kKeys ? "dict_keys" : part == Part::kValues ? "dict_values" : "dict_items";
}

Value DictView::at(size_t index) const {
  const auto& [key, value] = dict.dict().pairs[index];
  return part == Part::kKeys ? key : part == Part::kValues ? value : Value::tuple({key, value});
}

Range::Range(int64_t start, int64_t stop, int64_t step)
    : Object(Kind::kRange), start(start), stop(stop), step(step), size(range_size(start, stop, step)) {}

Generator::Generator(std::string name, const Value& source, Next next)
    : Object(Kind::kGenerator, depth_above(source), 1), name(std::move(name)), next(std::move(next)) {}

std::string Generator::repr() const {
  return is_iterator ? "<" + name + " object>" : "<generator object " + name + ">";
}

bool Namespace::attribute(const std::string& name, Value& result) const {
  for (const auto& [key, value] : attributes) {
    if (key != name) continue;
    result = value;
    return true;
  }
  return false;
}

void Namespace::set(const std::string& name, Value value) {
  if (name.starts_with('_')) {
    throw Failure(fmt::format("a namespace cannot hold '{}': attributes must not begin with an underscore", name));
  }
  for (auto& [key, old] : attributes) {
    if (key != name) continue;
    old = std::move(value);
    return;
  }
  attributes.emplace_back(name, std::move(value));
}

Function::Function(std::string name, std::string type, const Value& receiver, Body body)
    : Object(Kind::kOther, depth_above(receiver), 1),
      name(std::move(name)),
      type(std::move(type)),
      body(std::move(body)) {}

Next iterate(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return [](Value&) { return false; };
    case Kind::kText:
      return over_text(value);
    case Kind::kList:
    case Kind::kTuple:
      return over_items(value);
    case Kind::kDict:
      return over_keys(value);
    case Kind::kView:
      return over_elements<DictView>(value, length_of(value));
    case Kind::kRange:
      return over_elements<Range>(value, length_of(value));
    case Kind::kGenerator:
      return [value](Value& out) { return value.get<Generator>()->next(out); };
    default:
      throw Failure(fmt::format("'{}' object is not iterable", value.type_name()));
  }
}

std::vector<Value> collect(const Value& value) {
  if (value.is_sequence()) return value.items();
  std::vector<Value> result;
  const Next next = iterate(value);
  for (Value item; next(item);) {
    if (result.size() >= kMaxWeight) throw Failure("a sequence is too long");
    result.push_back(std::move(item));
  }
  return result;
}

bool is_iterable(const Value& value) {
  switch (value.kind()) {
    case Kind::kNone:
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kFloat:
    case Kind::kNamespace:
    case Kind::kOther:
      return false;
    default:
      return true;
  }
}

bool has_length(const Value& value) {
  return is_iterable(value) && !value.is(Kind::kGenerator);
}

size_t length_of(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return 0;
    case Kind::kText:
      return value.text().n_code_points;
    case Kind::kList:
    case Kind::kTuple:
      return value.items().size();
    case Kind::kDict:
      return value.dict().pairs.size();
    case Kind::kView:
      return value.get<DictView>()->dict.dict().pairs.size();
    case Kind::kRange:
      return value.get<Range>()->size;
    default:
      throw Failure(fmt::format("object of type '{}' has no len()", value.type_name()));
  }
}

std::string describe_type(const Value& value) {
  if (value.is_none()) return "None";
  if (value.is_markup()) return "markupsafe.Markup object";
  if (value.is(Kind::kNamespace)) return "namespace object";
  return value.type_name() + " object";
}

void require_defined(const Value& value) {
  if (const auto* undefined = value.get<Undefined>()) throw Failure(undefined->message);
}

}  // namespace ondol::jinja
