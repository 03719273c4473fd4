#include "agent/schema_check.h"

#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "text/unicode.h"

namespace ondol {
namespace {

constexpr int kMaxSteps = 100'000;
constexpr int kMaxDepth = 100;

std::string_view type_of(const json::value& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_string()) return "string";
  if (value.is_bool()) return "boolean";
  if (value.is_null()) return "null";
  return "number";
}

bool is_whole(const json::value& value) {
  return value.is_int64() || value.is_uint64() ||
         (value.is_double() && std::floor(value.get_double()) == value.get_double());
}

bool has_type(const json::value& value, std::string_view type) {
  if (type == "integer") return is_whole(value);
  return type_of(value) == type;
}

int64_t n_characters(std::string_view text) {
  int64_t count = 0;
  for (size_t at = 0; at < text.size(); at += decode_utf8(text, at).size) ++count;
  return count;
}

bool is_equal(const json::value& left, const json::value& right) {
  if (left.is_number() && right.is_number()) return left.to_number<double>() == right.to_number<double>();
  return left == right;
}

class Checker {
 public:
  explicit Checker(const json::value& root) : root_(root) {}

  Result<void> check(const json::value& schema, const json::value& value, const std::string& where, int depth) {
    if (++steps_ > kMaxSteps || depth > kMaxDepth) return Error("the schema takes too many steps to check").in(where);
    if (schema.is_bool())
      return schema.get_bool() ? Result<void>() : Error(fmt::format("{}: nothing is allowed here", where));
    const json::object* object = schema.if_object();
    if (object == nullptr) return Error("the schema is neither an object nor true or false").in(where);
    if (const json::value* reference = object->if_contains("$ref"))
      ONDOL_TRY(check_reference(*reference, value, where, depth));
    ONDOL_TRY(check_type(*object, value, where));
    ONDOL_TRY(check_choice(*object, value, where));
    if (value.is_number()) ONDOL_TRY(check_number(*object, value.to_number<double>(), where));
    if (const json::string* text = value.if_string()) ONDOL_TRY(check_text(*object, *text, where));
    if (const json::array* array = value.if_array()) ONDOL_TRY(check_array(*object, *array, where, depth));
    if (const json::object* members = value.if_object()) ONDOL_TRY(check_object(*object, *members, where, depth));
    return check_compositions(*object, value, where, depth);
  }

 private:
  Result<void> check_reference(const json::value& reference, const json::value& value, const std::string& where,
                               int depth) {
    const json::string* text = reference.if_string();
    if (text == nullptr || !text->starts_with('#'))
      return Error(fmt::format("{}: the schema refers to what is outside of it, which is not fetched", where));
    boost::system::error_code code;
    const json::value* target = &root_;
    if (text->size() > 1) target = root_.find_pointer(std::string_view(*text).substr(1), code);
    if (target == nullptr || code)
      return Error(fmt::format("{}: the schema refers to '{}', which it does not have", where,
                               std::string_view(*text).substr(0, 100)));
    return check(*target, value, where, depth + 1);
  }

  static Result<void> check_type(const json::object& schema, const json::value& value, const std::string& where) {
    const json::value* type = schema.if_contains("type");
    if (type == nullptr) return {};
    bool fits = false;
    std::string names;
    const auto try_one = [&](const json::value& one) {
      if (!one.is_string()) return;
      fits = fits || has_type(value, one.get_string());
      names += names.empty() ? "" : " or ";
      names += one.get_string();
    };
    if (const json::array* several = type->if_array()) {
      for (const json::value& one : *several) try_one(one);
    } else {
      try_one(*type);
    }
    if (fits) return {};
    return Error(fmt::format("{}: expected {}, got {}", where, names, type_of(value)));
  }

  static Result<void> check_choice(const json::object& schema, const json::value& value, const std::string& where) {
    if (const json::value* only = schema.if_contains("const"); only != nullptr && !is_equal(*only, value))
      return Error(fmt::format("{}: expected {}", where, json_text(*only)));
    const json::value* choices = schema.if_contains("enum");
    if (choices == nullptr || !choices->is_array()) return {};
    for (const json::value& choice : choices->get_array())
      if (is_equal(choice, value)) return {};
    return Error(fmt::format("{}: expected one of {}", where, json_text(*choices).substr(0, 300)));
  }

  static std::optional<double> bound(const json::object& schema, std::string_view name) {
    const json::value* found = schema.if_contains(name);
    if (found == nullptr || !found->is_number()) return std::nullopt;
    return found->to_number<double>();
  }

  static Result<void> check_number(const json::object& schema, double value, const std::string& where) {
    const auto refuse = [&](std::string_view what, double limit) {
      return Error(fmt::format("{}: expected {} {}, got {}", where, what, limit, value));
    };
    if (const auto limit = bound(schema, "minimum"); limit && value < *limit) return refuse("at least", *limit);
    if (const auto limit = bound(schema, "maximum"); limit && value > *limit) return refuse("at most", *limit);
    if (const auto limit = bound(schema, "exclusiveMinimum"); limit && value <= *limit)
      return refuse("more than", *limit);
    if (const auto limit = bound(schema, "exclusiveMaximum"); limit && value >= *limit)
      return refuse("less than", *limit);
    if (const auto step = bound(schema, "multipleOf"); step && *step > 0) {
      const double steps = value / *step;
      if (std::abs(steps - std::round(steps)) > 1e-9 * std::max(1.0, std::abs(steps)))
        return refuse("a multiple of", *step);
    }
    return {};
  }

  static Result<void> check_size(const json::object& schema, std::string_view at_least, std::string_view at_most,
                                 int64_t size, std::string_view unit, const std::string& where) {
    if (const auto limit = bound(schema, at_least); limit && static_cast<double>(size) < *limit)
      return Error(fmt::format("{}: expected at least {} {}, got {}", where, *limit, unit, size));
    if (const auto limit = bound(schema, at_most); limit && static_cast<double>(size) > *limit)
      return Error(fmt::format("{}: expected at most {} {}, got {}", where, *limit, unit, size));
    return {};
  }

  static Result<void> check_text(const json::object& schema, std::string_view text, const std::string& where) {
    return check_size(schema, "minLength", "maxLength", n_characters(text), "characters", where);
  }

  Result<void> check_array(const json::object& schema, const json::array& array, const std::string& where, int depth) {
    ONDOL_TRY(check_size(schema, "minItems", "maxItems", static_cast<int64_t>(array.size()), "elements", where));
    const json::value* first = schema.if_contains("prefixItems");
    const size_t n_first = first != nullptr && first->is_array() ? first->get_array().size() : 0;
    const json::value* rest = schema.if_contains("items");
    for (size_t i = 0; i < array.size(); ++i) {
      const json::value* item = i < n_first ? &first->get_array()[i] : rest;
      if (item == nullptr || item->is_array()) continue;  // draft 7's list of schemas
      ONDOL_TRY(check(*item, array[i], fmt::format("{}[{}]", where, i), depth + 1));
    }
    if (bool_or(schema, "uniqueItems", false)) {
      for (size_t i = 0; i < array.size(); ++i) {
        for (size_t k = 0; k < i; ++k) {
          if (++steps_ > kMaxSteps) return Error("too many elements to compare").in(where);
          if (is_equal(array[i], array[k]))
            return Error(fmt::format("{}: elements {} and {} are the same", where, k, i));
        }
      }
    }
    return {};
  }

  Result<void> check_object(const json::object& schema, const json::object& members, const std::string& where,
                            int depth) {
    ONDOL_TRY(
        check_size(schema, "minProperties", "maxProperties", static_cast<int64_t>(members.size()), "members", where));
    if (const json::value* required = schema.if_contains("required"); required != nullptr && required->is_array()) {
      for (const json::value& name : required->get_array())
        if (name.is_string() && !members.contains(name.get_string()))
          return Error(fmt::format("{}: '{}' is missing", where, std::string_view(name.get_string())));
    }
    const json::value* properties = schema.if_contains("properties");
    const json::value* others = schema.if_contains("additionalProperties");
    const bool has_patterns = schema.contains("patternProperties");
    for (const auto& [name, member] : members) {
      const json::value* known =
          properties != nullptr && properties->is_object() ? properties->get_object().if_contains(name) : nullptr;
      const std::string place = fmt::format("{}.{}", where, std::string_view(name).substr(0, 100));
      if (known != nullptr) {
        ONDOL_TRY(check(*known, member, place, depth + 1));
      } else if (others != nullptr && !has_patterns) {
        if (others->is_bool() && !others->get_bool()) return Error(fmt::format("{}: is not known", place));
        ONDOL_TRY(check(*others, member, place, depth + 1));
      }
    }
    return {};
  }

  Result<void> check_compositions(const json::object& schema, const json::value& value, const std::string& where,
                                  int depth) {
    const auto parts = [&](std::string_view name) {
      const json::value* found = schema.if_contains(name);
      return found != nullptr ? found->if_array() : nullptr;
    };
    if (const json::array* all = parts("allOf"))
      for (const json::value& part : *all) ONDOL_TRY(check(part, value, where, depth + 1));
    for (const std::string_view name : {"anyOf", "oneOf"}) {
      const json::array* some = parts(name);
      if (some == nullptr) continue;
      int n_fit = 0;
      std::string why;
      for (const json::value& part : *some) {
        const auto checked = check(part, value, where, depth + 1);
        if (checked) ++n_fit;
        if (!checked && why.empty()) why = checked.error().message();
      }
      if (n_fit == 0) return Error(fmt::format("{}: fits none of the alternatives; the first: {}", where, why));
      if (n_fit > 1 && name == "oneOf") return Error(fmt::format("{}: fits {} alternatives, not one", where, n_fit));
    }
    if (const json::value* no = schema.if_contains("not"); no != nullptr && check(*no, value, where, depth + 1))
      return Error(fmt::format("{}: is what it must not be", where));
    if (const json::value* condition = schema.if_contains("if")) {
      const bool holds = check(*condition, value, where, depth + 1).has_value();
      if (const json::value* then = schema.if_contains(holds ? "then" : "else"))
        ONDOL_TRY(check(*then, value, where, depth + 1));
    }
    return {};
  }

  const json::value& root_;
  int steps_ = 0;
};

}  // namespace

Result<void> check_against_schema(const json::value& schema, const json::value& value) {
  return Checker(schema).check(schema, value, "value", 0);
}

}  // namespace ondol
