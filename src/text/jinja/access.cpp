#include "text/jinja/access.h"

#include <fmt/format.h>

#include "text/jinja/arguments.h"
#include "text/jinja/convert.h"
#include "text/jinja/methods.h"
#include "text/jinja/unicode.h"

namespace ondol::jinja {
namespace {

Value missing(const Value& object, const Value& name) {
  if (name.is_text()) return Value::undefined(fmt::format("'{}' has no attribute {}", describe_type(object), repr_text(name.str())));
  return Value::undefined(fmt::format("{} has no element {}", describe_type(object), to_repr(name)));
}

// The item at `index`, counted from the end if negative. Returns false past the ends.
bool element(const Value& object, Integer index, Value& result) {
  const auto size = static_cast<Integer>(length_of(object));
  if (index < 0) index += size;
  if (index < 0 || index >= size) return false;
  const auto at = static_cast<size_t>(index);
  if (object.is_sequence()) {
    result = object.items()[at];
  } else if (const auto* range = object.get<Range>()) {
    result = range->at(at);
  } else if (object.text().is_ascii()) {
    result = Value::text(std::string(1, object.str()[at]), object.is_markup());
  } else {
    size_t end = byte_offset(object.str(), at);
    const size_t begin = end;
    next_code_point(object.str(), end);
    result = Value::text(std::string(object.str().substr(begin, end - begin)), object.is_markup());
  }
  return true;
}

bool has_elements(const Value& object) { return object.is_text() || object.is_sequence() || object.is(Kind::kRange); }

bool is_hashable(const Value& value) {
  if (value.is(Kind::kTuple)) return std::all_of(value.items().begin(), value.items().end(), is_hashable);
  return !value.is(Kind::kList) && !value.is_dict() && !value.is(Kind::kView);
}

bool find_item(const Value& object, const Value& index, Value& result) {
  if (object.is_dict()) {
    const Value* found = is_hashable(index) ? object.dict().find(index) : nullptr;
    if (found == nullptr) return false;
    result = *found;
    return true;
  }
  return has_elements(object) && index.is_integer() && element(object, index.as_integer(), result);
}

struct Bounds {
  Integer start, stop, step;
};

Integer slice_index(const Value& value, Integer fallback) {
  if (value.is_none()) return fallback;
  if (!value.is_integer()) throw Failure("slice indices must be integers or None");
  return value.as_integer();
}

// Python's slice.indices.
Bounds bounds_of(const Value& start, const Value& stop, const Value& step, size_t length) {
  const auto size = static_cast<Integer>(length);
  Bounds bounds{0, 0, slice_index(step, 1)};
  if (bounds.step == 0) throw Failure("slice step cannot be zero");
  const bool backward = bounds.step < 0;
  const Integer lowest = backward ? -1 : 0;
  const Integer highest = backward ? size - 1 : size;
  const auto place = [&](const Value& value, Integer fallback) {
    if (value.is_none()) return fallback;
    Integer index = slice_index(value, 0);
    if (index < 0) index += size;
    return std::clamp(index, lowest, highest);
  };
  bounds.start = place(start, backward ? highest : lowest);
  bounds.stop = place(stop, backward ? lowest : highest);
  return bounds;
}

Value slice_text(const Value& object, const Bounds& bounds) {
  if (bounds.step == 1) {
    if (bounds.start >= bounds.stop) return Value::text("", object.is_markup());
    const bool ascii = object.text().is_ascii();
    const auto start = static_cast<size_t>(bounds.start);
    const auto count = static_cast<size_t>(bounds.stop - bounds.start);
    const size_t begin = ascii ? start : byte_offset(object.str(), start);
    const size_t size = ascii ? count : byte_offset(object.str().substr(begin), count);
    return Value::text(std::string(object.str().substr(begin, size)), object.is_markup());
  }
  const std::u32string all = decode(object.str());
  std::u32string picked;
  for (Integer i = bounds.start; bounds.step > 0 ? i < bounds.stop : i > bounds.stop; i += bounds.step) picked += all[static_cast<size_t>(i)];
  return Value::text(encode(picked), object.is_markup());
}

}  // namespace

bool find_attribute(const Value& object, const std::string& name, Value& result) {
  if (const auto* shared = object.get<Object>()) {
    if (shared->attribute(name, result)) return true;
  }
  return find_method(object, name, result);
}

Value attribute_of(const Value& object, const std::string& name) {
  require_defined(object);
  Value result;
  if (find_attribute(object, name, result)) return result;
  const Value key = Value::text(name);
  if (find_item(object, key, result)) return result;
  return missing(object, key);
}

Value item_of(const Value& object, const Value& index) {
  require_defined(object);
  Value result;
  if (find_item(object, index, result)) return result;
  if (index.is_text() && find_attribute(object, std::string(index.str()), result)) return result;
  return missing(object, index);
}

Value slice_of(const Value& object, const Value& start, const Value& stop, const Value& step) {
  require_defined(object);
  if (!has_elements(object)) throw Failure(fmt::format("'{}' object cannot be sliced", object.type_name()));
  const Bounds bounds = bounds_of(start, stop, step, length_of(object));
  if (object.is_text()) return slice_text(object, bounds);
  if (const auto* range = object.get<Range>()) {
    const auto at = [range](Integer i) { return static_cast<Integer>(range->start) + i * range->step; };
    const Integer stride = bounds.step * range->step;
    const Integer stop_at = at(bounds.stop);
    if (stride > INT64_MAX || stride < INT64_MIN || stop_at > INT64_MAX || stop_at < INT64_MIN) throw Failure("a range is too large");
    return std::make_shared<Range>(static_cast<int64_t>(at(bounds.start)), static_cast<int64_t>(stop_at), static_cast<int64_t>(stride));
  }
  std::vector<Value> items;
  for (Integer i = bounds.start; bounds.step > 0 ? i < bounds.stop : i > bounds.stop; i += bounds.step) {
    items.push_back(object.items()[static_cast<size_t>(i)]);
  }
  return std::make_shared<Sequence>(object.kind(), std::move(items));
}

}  // namespace ondol::jinja
