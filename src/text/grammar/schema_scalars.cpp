// The keywords of SchemaExpander about types, numbers, strings and listed values.
#include <fmt/format.h>

#include <cmath>

#include "text/grammar/schema_expander.h"
#include "text/grammar/schema_formats.h"

namespace ondol::grammar {

Result<Shape> SchemaExpander::type_shape(const json::value& schema) {
  const json::value& value = schema.get_object().at("type");
  json::array types;
  if (value.is_array()) {
    types = value.get_array();
  } else {
    types.push_back(value);
  }
  Shape shape;
  for (const json::value& type : types) {
    const std::string name = type.is_string() ? std::string(type.get_string()) : json::serialize(type);
    if (name == "null") {
      shape.null = true;
    } else if (name == "boolean") {
      shape.no = shape.yes = true;
    } else if (name == "number") {
      shape.numbers = algebra_.numbers.all();
      shape.exponents = Exponents::kAll;
    } else if (name == "integer") {
      if (shape.numbers == TermStore::kNothing) shape.numbers = algebra_.numbers.whole();
      shape.exponents = std::max(shape.exponents, Exponents::kWhole);
    } else if (name == "string") {
      shape.strings = algebra_.all_strings();
    } else if (name == "object") {
      shape.objects = {ObjectShape()};
    } else if (name == "array") {
      shape.arrays = {ArrayShape()};
    } else {
      return refused(schema, "type", fmt::format("there is no type {}", name));
    }
  }
  return shape;
}

Result<Shape> SchemaExpander::number_shape(const json::value& schema) {
  Shape shape = algebra_.everything();
  NumberTerms& numbers = algebra_.numbers;
  for (const std::string_view keyword : {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"}) {
    const json::value* value = schema.get_object().if_contains(keyword);
    if (value == nullptr) continue;
    const auto bound = decimal_of(*value);
    if (!bound) return refused(schema, keyword, bound.error().message());
    TermId term = TermStore::kNothing;
    const bool inclusive = keyword[0] == 'm';
    if (keyword == "multipleOf") {
      const auto multiple = numbers.multiple_of(*bound);
      if (!multiple) return refused(schema, keyword, multiple.error().message());
      // Whole numbers are multiples of what divides 1; they may then still be written with an exponent.
      const double divisor = value->to_number<double>();
      shape.exponents =
          std::min(shape.exponents, 1 / divisor == std::round(1 / divisor) ? Exponents::kWhole : Exponents::kNone);
      if (divisor == 1) {
        shape.numbers =
            shape.numbers == numbers.all() ? numbers.whole() : algebra_.terms.both({shape.numbers, numbers.whole()});
        continue;
      }
      term = *multiple;
    } else {
      shape.exponents = Exponents::kNone;
      term = keyword.ends_with("inimum") ? numbers.at_least(*bound, inclusive) : numbers.at_most(*bound, inclusive);
    }
    shape.numbers = shape.numbers == numbers.all() ? term : algebra_.terms.both({shape.numbers, term});
  }
  return shape;
}

Result<TermId> SchemaExpander::pattern(const json::value& schema, std::string_view keyword, std::string_view text) {
  const auto term = regex_term(algebra_.terms, text, RegexMeaning::kSearch, algebra_.character());
  if (!term) return refused(schema, keyword, term.error().message());
  return *term;
}

Result<Shape> SchemaExpander::string_shape(const json::value& schema) {
  const json::object& object = schema.get_object();
  std::vector<TermId> parts;
  const bool has_least = object.contains("minLength");
  const bool has_most = object.contains("maxLength");
  if (has_least || has_most) {
    const int least = has_least ? ONDOL_TRY(count(schema, "minLength")) : 0;
    const int most = has_most ? ONDOL_TRY(count(schema, "maxLength")) : TermStore::kUnlimited;
    const bool none = most >= 0 && least > most;
    parts.push_back(none ? TermStore::kNothing : algebra_.terms.repeat(algebra_.any_character(), least, most));
  }
  if (const json::value* value = object.if_contains("pattern")) {
    if (!value->is_string()) return refused(schema, "pattern", "expected a string");
    parts.push_back(ONDOL_TRY(pattern(schema, "pattern", value->get_string())));
  }
  if (const json::value* value = object.if_contains("format"); value != nullptr && value->is_string()) {
    const auto term = format_term(algebra_.terms, value->get_string(), algebra_.character());
    if (term) parts.push_back(*term);
  }
  Shape shape = algebra_.everything();
  if (!parts.empty()) shape.strings = algebra_.terms.both(std::move(parts));
  return shape;
}

Result<Shape> SchemaExpander::values_shape(const json::value& schema, const json::value& values, bool holds) {
  if (!values.is_array()) return refused(schema, "enum", "expected an array");
  Shape shape = holds ? Shape() : algebra_.everything();
  // Strings are put together at once; there may be thousands.
  std::vector<TermId> strings;
  for (const json::value& value : values.get_array()) {
    if (value.is_string()) {
      strings.push_back(algebra_.text_of(value.get_string()));
      continue;
    }
    const Shape next = ONDOL_TRY(value_shape(value, holds));
    shape = holds ? algebra_.united(shape, next) : algebra_.intersection(shape, next);
  }
  if (strings.empty()) return shape;
  Shape of_strings;
  of_strings.strings = algebra_.terms.either(std::move(strings));
  return holds ? algebra_.united(shape, of_strings) : algebra_.intersection(shape, algebra_.complement(of_strings));
}

/// The value alone, or all others.
Result<Shape> SchemaExpander::value_shape(const json::value& value, bool holds) {
  if (value.is_object() || value.is_array()) {
    // As a schema of its members, which are again constants.
    const json::value*& known = spelled_out_[&value];
    if (known == nullptr) {
      json::value schema;
      if (const json::object* object = value.if_object()) {
        json::object properties;
        json::array required;
        for (const auto& [name, member] : *object) {
          properties[name] = json::object{{"const", member}};
          required.emplace_back(name);
        }
        schema = {
            {"type", "object"}, {"properties", properties}, {"required", required}, {"maxProperties", object->size()}};
      } else {
        json::array items;
        for (const json::value& item : value.get_array()) items.push_back(json::object{{"const", item}});
        schema = json::object{
            {"type", "array"}, {"prefixItems", items}, {"minItems", items.size()}, {"maxItems", items.size()}};
      }
      known = made(std::move(schema));
    }
    return expand(*known, holds);
  }
  Shape shape;
  if (value.is_null()) {
    shape.null = true;
  } else if (value.is_bool()) {
    (value.get_bool() ? shape.yes : shape.no) = true;
  } else if (value.is_string()) {
    shape.strings = algebra_.text_of(value.get_string());
  } else {
    const auto decimal = decimal_of(value);
    if (!decimal) return Error("schema: const or enum: " + decimal.error().message());
    shape.numbers = algebra_.numbers.exactly(*decimal);
  }
  return holds ? shape : algebra_.complement(shape);
}

}  // namespace ondol::grammar
