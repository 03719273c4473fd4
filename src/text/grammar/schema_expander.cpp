#include "text/grammar/schema_expander.h"

#include <fmt/format.h>

#include <algorithm>

namespace ondol::grammar {
namespace {

constexpr int kMaxDepth = 100;
constexpr size_t kMaxExpanded = 20'000;
constexpr int kMaxCount = 1'000'000'000;

bool names_type(const json::object& schema, std::string_view name) {
  const json::value* type = schema.if_contains("type");
  if (type == nullptr || type->is_string()) return type != nullptr && type->get_string() == name;
  const json::array* types = type->if_array();
  return types != nullptr && std::find(types->begin(), types->end(), json::value(name)) != types->end();
}

bool has_any(const json::object& object, std::initializer_list<std::string_view> keywords) {
  for (const std::string_view keyword : keywords) {
    if (object.contains(keyword)) return true;
  }
  return false;
}

}  // namespace

Error SchemaExpander::refused(const json::value& schema, std::string_view keyword, std::string_view why) const {
  return Error(fmt::format("schema: {}/{}: {}", document_.place(schema), keyword, why));
}

const json::value* SchemaExpander::made(json::value schema) {
  made_.push_back(std::move(schema));
  return &made_.back();
}

const json::value* SchemaExpander::constant(const json::value& value) {
  const json::value*& known = constants_[&value];
  if (known == nullptr) known = made(json::object{{"const", value}});
  return known;
}

Shape SchemaExpander::with_objects(ObjectShape object) const {
  Shape shape = algebra_.everything();
  shape.objects = {std::move(object)};
  return shape;
}

Shape SchemaExpander::with_arrays(ArrayShape array) const {
  Shape shape = algebra_.everything();
  shape.arrays = {std::move(array)};
  return shape;
}

Shape SchemaExpander::only_object(ObjectShape object) {
  Shape shape;
  shape.objects = {std::move(object)};
  return shape;
}

Shape SchemaExpander::only_array(ArrayShape array) {
  Shape shape;
  shape.arrays = {std::move(array)};
  return shape;
}

/// A keyword that counts; 2.0 is 2.
Result<int> SchemaExpander::count(const json::value& schema, std::string_view keyword) const {
  const json::value& value = schema.get_object().at(keyword);
  if (value.is_number()) {
    const double number = value.to_number<double>();
    if (number >= 0 && number <= kMaxCount && number == static_cast<double>(static_cast<int>(number))) {
      return static_cast<int>(number);
    }
  }
  return refused(schema, keyword, fmt::format("expected a whole number from 0 to {}", kMaxCount));
}

Result<Shape> SchemaExpander::expand(const Demand& demand) {
  Shape shape = algebra_.everything();
  for (const auto& [schema, holds] : demand) {
    shape = algebra_.intersection(shape, ONDOL_TRY(expand(*schema, holds)));
  }
  if (algebra_.overflowed()) return Error("schema: too many alternatives, or terms that are too large");
  return shape;
}

Result<Shape> SchemaExpander::expand(const json::value& schema, bool holds) {
  if (schema.is_bool()) return schema.get_bool() == holds ? algebra_.everything() : Shape();
  if (!schema.is_object()) return Error("schema: expected an object or a boolean");
  const std::pair key{Literal{&schema, holds}, tells_evaluated_};
  const auto known = known_.find(key);
  if (known != known_.end()) return known->second;
  if (!open_.insert(key.first).second) {
    return refused(schema, "$ref", "refers to itself without a member in between");
  }
  if (++depth_ > kMaxDepth || ++n_expanded_ > kMaxExpanded) return Error("schema: too large or nested too deeply");
  Shape shape = ONDOL_TRY(expand_object(schema, holds));
  if (!holds) {
    // What must not match evaluates nothing.
    for (ObjectShape& object : shape.objects) {
      for (ObjectLayer& layer : object.layers) layer.evaluates = false;
    }
    for (ArrayShape& array : shape.arrays) {
      for (ArrayLayer& layer : array.layers) layer.evaluates = false;
    }
  }
  if (algebra_.overflowed()) return Error("schema: too many alternatives, or terms that are too large");
  --depth_;
  open_.erase(key.first);
  known_.emplace(key, shape);
  return shape;
}

Result<void> SchemaExpander::check_keywords(const json::value& schema) const {
  for (const char* keyword : {"$recursiveRef", "extends", "disallow", "divisibleBy"}) {
    if (schema.get_object().contains(keyword)) return refused(schema, keyword, "not supported");
  }
  return {};
}

/// All parts hold, or one of them does not.
Result<Shape> SchemaExpander::expand_object(const json::value& schema, bool holds) {
  const json::object& object = schema.get_object();
  ONDOL_TRY(check_keywords(schema));
  if (has_any(object, {"$ref"}) && document_.is_draft_7()) return reference_shape(schema, holds);
  const bool asks_evaluated = has_any(object, {"unevaluatedItems", "unevaluatedProperties"});
  if (asks_evaluated && !holds) {
    return refused(schema, object.contains("unevaluatedItems") ? "unevaluatedItems" : "unevaluatedProperties",
                   "not supported inside a negation");
  }
  const bool told_before = tells_evaluated_;
  tells_evaluated_ = tells_evaluated_ || asks_evaluated;
  algebra_.keeps_alternatives = tells_evaluated_;

  std::vector<std::function<Result<Shape>()>> parts;
  const auto add = [&](std::initializer_list<std::string_view> keywords, auto&& shape) {
    if (has_any(object, keywords)) parts.emplace_back(shape);
  };
  const auto scalar = [&](auto shape_of) {
    return [this, &schema, holds, shape_of]() -> Result<Shape> {
      const Shape shape = ONDOL_TRY((this->*shape_of)(schema));
      return holds ? shape : algebra_.complement(shape);
    };
  };
  const auto container = [&](auto shape_of) {
    return [this, &schema, holds, shape_of] { return (this->*shape_of)(schema, holds); };
  };
  using S = SchemaExpander;
  add({"type"}, scalar(&S::type_shape));
  add({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}, scalar(&S::number_shape));
  add({"minLength", "maxLength", "pattern", "format"}, scalar(&S::string_shape));
  add({"enum"}, [&] { return values_shape(schema, object.at("enum"), holds); });
  add({"const"}, [&] { return value_shape(object.at("const"), holds); });
  add({"required"}, container(&S::required_shape));
  const bool closed = options_.strict && holds && names_type(object, "object");
  add({closed ? "type" : "properties", "properties", "patternProperties", "additionalProperties"},
      container(&S::members_shape));
  add({"minProperties", "maxProperties"}, container(&S::property_count_shape));
  add({"propertyNames"}, container(&S::property_names_shape));
  for (const std::string_view keyword : {"dependentRequired", "dependentSchemas", "dependencies"}) {
    add({keyword}, [this, &schema, keyword, holds] { return dependencies_shape(schema, keyword, holds); });
  }
  add({"items", "prefixItems"}, container(&S::elements_shape));
  add({"minItems", "maxItems"}, container(&S::item_count_shape));
  add({"uniqueItems"}, container(&S::unique_shape));
  add({"contains"}, container(&S::contains_shape));
  add({"$ref", "$dynamicRef"}, container(&S::reference_shape));
  add({"allOf"}, container(&S::all_of_shape));
  add({"anyOf"}, container(&S::any_of_shape));
  add({"oneOf"}, container(&S::one_of_shape));
  add({"not"}, container(&S::not_shape));
  add({"if"}, container(&S::condition_shape));

  Shape shape = holds ? algebra_.everything() : Shape();
  for (const auto& part : parts) {
    const Shape next = ONDOL_TRY(part());
    shape = holds ? algebra_.intersection(shape, next) : algebra_.united(shape, next);
  }
  if (asks_evaluated) ONDOL_TRY(add_unevaluated(schema, shape));
  tells_evaluated_ = told_before;
  algebra_.keeps_alternatives = tells_evaluated_;
  return shape;
}

Result<bool> SchemaExpander::is_empty(const Demand& demand, int levels) {
  for (const auto& [schema, holds] : demand) {
    if (schema->is_bool() && schema->get_bool() != holds) return true;
    // A schema that is being looked into cannot be judged yet.
    if (open_.contains({schema, holds})) return false;
  }
  if (levels == 0) return false;
  return is_empty(ONDOL_TRY(expand(demand)), levels - 1);
}

Result<bool> SchemaExpander::is_empty(const Shape& shape, int levels) {
  if (shape.null || shape.no || shape.yes || shape.exponents != Exponents::kNone) return false;
  if (algebra_.terms.is_live(shape.numbers) || algebra_.terms.is_live(shape.strings)) return false;
  for (const ObjectShape& object : shape.objects) {
    bool empty = false;
    for (const std::string& name : object.required) {
      empty = empty || ONDOL_TRY(is_empty(demand_of(object, name), levels));
    }
    if (!empty) return false;
  }
  for (const ArrayShape& array : shape.arrays) {
    bool empty = false;
    const auto n = static_cast<size_t>(std::min(array.least, 16));
    for (size_t i = 0; i < n && !empty; ++i) empty = ONDOL_TRY(is_empty(demand_of(array, i), levels));
    if (!empty) return false;
  }
  return true;
}

Demand SchemaExpander::demand_of(const ObjectShape& shape, const std::string& name) {
  Demand demand;
  const TermId text = algebra_.text_of(name);
  const auto matches = [&](TermId keys) { return algebra_.terms.is_live(algebra_.terms.both({text, keys})); };
  for (const ObjectLayer& layer : shape.layers) {
    bool named = false;
    if (const auto property = layer.properties.find(name); property != layer.properties.end()) {
      unite(demand, property->second);
      named = true;
    }
    for (const PatternDemand& pattern : layer.patterns) {
      if (!matches(pattern.keys)) continue;
      unite(demand, pattern.demand);
      named = true;
    }
    if (!named && layer.additional) unite(demand, *layer.additional);
  }
  for (const TermId keys : shape.keys) {
    if (!matches(keys)) demand.emplace(constant_false(), true);
  }
  return demand;
}

Demand SchemaExpander::demand_of(const ArrayShape& shape, size_t index) {
  Demand demand;
  for (const ArrayLayer& layer : shape.layers) {
    if (index < layer.prefix.size()) {
      unite(demand, layer.prefix[index]);
    } else if (layer.rest) {
      unite(demand, *layer.rest);
    }
  }
  return demand;
}

}  // namespace ondol::grammar
