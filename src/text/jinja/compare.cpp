#include "text/jinja/compare.h"

#include <cmath>

#include <fmt/format.h>

namespace ondol::jinja {
namespace {

bool numbers_equal(const Value& left, const Value& right) {
  if (left.is_integer() && right.is_integer()) return left.as_integer() == right.as_integer();
  return left.as_real() == right.as_real();
}

bool dicts_equal(const Dict& left, const Dict& right) {
  if (left.pairs.size() != right.pairs.size()) return false;
  return std::all_of(left.pairs.begin(), left.pairs.end(), [&](const auto& pair) {
    const Value* other = right.find(pair.first);
    return other != nullptr && equals(pair.second, *other);
  });
}

bool sequences_less(const std::vector<Value>& left, const std::vector<Value>& right, bool or_equal) {
  for (size_t i = 0; i < left.size() && i < right.size(); ++i) {
    if (!equals(left[i], right[i])) return less(left[i], right[i]);
  }
  return or_equal ? left.size() <= right.size() : left.size() < right.size();
}

bool ordered(const Value& left, const Value& right, bool or_equal, const char* sign) {
  if (left.is_number() && right.is_number()) {
    if (left.is_integer() && right.is_integer()) {
      return or_equal ? left.as_integer() <= right.as_integer() : left.as_integer() < right.as_integer();
    }
    return or_equal ? left.as_real() <= right.as_real() : left.as_real() < right.as_real();
  }
  // Bytes of UTF-8 order as code points do.
  if (left.is_text() && right.is_text()) return or_equal ? left.str() <= right.str() : left.str() < right.str();
  if (left.is_sequence() && left.kind() == right.kind()) return sequences_less(left.items(), right.items(), or_equal);
  require_defined(left);
  require_defined(right);
  throw Failure(fmt::format("'{}' not supported between instances of '{}' and '{}'", sign, left.type_name(), right.type_name()));
}

size_t mix(size_t seed, size_t hash) { return seed ^ (hash + 0x9E3779B97F4A7C15ULL + (seed << 6) + (seed >> 2)); }

size_t hash_number(const Value& value) {
  if (value.is_integer()) {
    const auto number = value.as_integer();
    // Through double, so that 1, 1.0 and true agree; equality decides among large neighbours.
    return std::hash<double>()(static_cast<double>(number));
  }
  return std::hash<double>()(value.as_real());
}

}  // namespace

bool equals(const Value& left, const Value& right) {
  if (left.is_number() && right.is_number()) return numbers_equal(left, right);
  if (left.kind() != right.kind()) return false;
  switch (left.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kText:
      return left.str() == right.str();
    case Kind::kList:
    case Kind::kTuple:
      return left.object() == right.object() ||
             std::equal(left.items().begin(), left.items().end(), right.items().begin(), right.items().end(), equals);
    case Kind::kDict:
      return left.object() == right.object() || dicts_equal(left.dict(), right.dict());
    case Kind::kRange:
    case Kind::kView: {
      if (left.type_name() != right.type_name()) return false;
      const std::vector<Value> a = collect(left);
      const std::vector<Value> b = collect(right);
      return std::equal(a.begin(), a.end(), b.begin(), b.end(), equals);
    }
    default:
      return left.object() == right.object();
  }
}

bool less(const Value& left, const Value& right) { return ordered(left, right, false, "<"); }

bool compare(Comparison comparison, const Value& left, const Value& right) {
  switch (comparison) {
    case Comparison::kEqual:
      return equals(left, right);
    case Comparison::kNotEqual:
      return !equals(left, right);
    case Comparison::kLess:
      return ordered(left, right, false, "<");
    case Comparison::kLessEqual:
      return ordered(left, right, true, "<=");
    case Comparison::kGreater:
      return ordered(right, left, false, ">");
    case Comparison::kGreaterEqual:
      return ordered(right, left, true, ">=");
  }
  return false;
}

bool contains(const Value& container, const Value& item) {
  if (container.is_text()) {
    if (!item.is_text()) {
      throw Failure(fmt::format("'in <string>' requires string as left operand, not {}", item.type_name()));
    }
    return container.str().find(item.str()) != std::string_view::npos;
  }
  if (container.is_dict()) return container.dict().find(item) != nullptr;
  if (!is_iterable(container)) {
    throw Failure(fmt::format("argument of type '{}' is not iterable", container.type_name()));
  }
  const Next next = iterate(container);
  for (Value element; next(element);) {
    if (equals(element, item)) return true;
  }
  return false;
}

size_t hash_of(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return static_cast<size_t>(value.kind());
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kFloat:
      return hash_number(value);
    case Kind::kText:
      return std::hash<std::string_view>()(value.str());
    case Kind::kTuple: {
      size_t hash = 1;
      for (const Value& item : value.items()) hash = mix(hash, hash_of(item));
      return hash;
    }
    case Kind::kRange:
      return value.get<Range>()->size;
    case Kind::kList:
    case Kind::kDict:
    case Kind::kView:
      throw Failure(fmt::format("unhashable type: '{}'", value.type_name()));
    default:
      return std::hash<const Object*>()(value.object().get());
  }
}

}  // namespace ondol::jinja
