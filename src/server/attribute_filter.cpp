#include "server/attribute_filter.h"

#include <algorithm>
#include <compare>
#include <iterator>

#include <fmt/format.h>

#include "server/for_objects.h"

namespace ondol::server {
namespace {

constexpr std::string_view kTypes[] = {"eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "and", "or"};
constexpr int kMostDepth = 8;
constexpr size_t kMostParts = 100;
constexpr size_t kMostValues = 1000;

bool is_scalar(const json::value& value) {
  return value.is_string() || value.is_number() || value.is_bool();
}

/// Unordered where the kinds differ. Attributes are few and short, so that whole numbers fit a double.
std::partial_ordering order(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) return a.to_number<double>() <=> b.to_number<double>();
  if (a.is_string() && b.is_string()) return std::string_view(a.get_string()) <=> std::string_view(b.get_string());
  if (a.is_bool() && b.is_bool()) return a.get_bool() <=> b.get_bool();
  return std::partial_ordering::unordered;
}

}  // namespace

AttributeFilter AttributeFilter::read(const Fields& fields) {
  return read(fields, 0);
}

AttributeFilter AttributeFilter::read(const Fields& fields, int depth) {
  AttributeFilter filter;
  const std::string type = fields.required_text("type");
  const auto known = std::find(std::begin(kTypes), std::end(kTypes), type);
  if (known == std::end(kTypes)) {
    fields.fail("type", fmt::format("{}: expected {}, got '{}'", fields.path_of("type"), fmt::join(kTypes, ", "),
                                    type.substr(0, 100)));
    return filter;
  }
  filter.type_ = static_cast<Type>(known - std::begin(kTypes));
  if (filter.type_ == Type::kAnd || filter.type_ == Type::kOr) {
    const json::array* parts = fields.array("filters");
    if (depth >= kMostDepth || parts == nullptr || parts->size() > kMostParts) {
      fields.fail("filters", fmt::format("{}: expected at most {} filters, at most {} deep", fields.path_of("filters"),
                                         kMostParts, kMostDepth));
      return filter;
    }
    for_objects(fields, "filters", [&](const Fields& part) { filter.parts_.push_back(read(part, depth + 1)); });
    return filter;
  }
  filter.key_ = fields.required_text("key");
  const json::value* value = fields.find("value");
  const bool is_list = filter.type_ == Type::kIn || filter.type_ == Type::kNin;
  if (is_list && value != nullptr && value->is_array() && value->get_array().size() <= kMostValues) {
    filter.values_.assign(value->get_array().begin(), value->get_array().end());
  } else if (!is_list && value != nullptr) {
    filter.values_.push_back(*value);
  }
  const bool is_fit = std::all_of(filter.values_.begin(), filter.values_.end(), is_scalar);
  if (!is_fit || (filter.values_.empty() && !(is_list && value != nullptr && value->is_array()))) {
    fields.fail("value",
                fmt::format("{}: expected {}", fields.path_of("value"),
                            is_list ? "an array of strings, numbers or booleans" : "a string, number or boolean"));
  }
  return filter;
}

bool AttributeFilter::compares(const json::value& attribute) const {
  const auto equals = [&](const json::value& value) { return order(attribute, value) == 0; };
  const auto is_any = [&] { return std::any_of(values_.begin(), values_.end(), equals); };
  switch (type_) {
    case Type::kEq:
    case Type::kIn:
      return is_any();
    case Type::kNe:
    case Type::kNin:
      return !is_any();
    case Type::kGt:
      return order(attribute, values_[0]) > 0;
    case Type::kGte:
      return order(attribute, values_[0]) >= 0;
    case Type::kLt:
      return order(attribute, values_[0]) < 0;
    default:
      return order(attribute, values_[0]) <= 0;
  }
}

bool AttributeFilter::passes(const json::object& attributes) const {
  const auto part_passes = [&](const AttributeFilter& part) { return part.passes(attributes); };
  if (type_ == Type::kAnd) return std::all_of(parts_.begin(), parts_.end(), part_passes);
  if (type_ == Type::kOr) return std::any_of(parts_.begin(), parts_.end(), part_passes);
  const json::value* attribute = attributes.if_contains(key_);
  if (attribute == nullptr) return type_ == Type::kNe || type_ == Type::kNin;
  return compares(*attribute);
}

}  // namespace ondol::server
