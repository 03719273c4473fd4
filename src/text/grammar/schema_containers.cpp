// The keywords of SchemaExpander about the members of objects and arrays.
#include <fmt/format.h>

#include <algorithm>

#include "text/grammar/schema_expander.h"

namespace ondol::grammar {
namespace {

bool is_true(const json::value& schema) {
  return (schema.is_bool() && schema.get_bool()) || (schema.is_object() && schema.get_object().empty());
}

Demand demand_that(const json::value& schema, bool holds = true) {
  return {{&schema, holds}};
}

constexpr size_t kMaxPatterns = 6;

}  // namespace

Result<Shape> SchemaExpander::members_shape(const json::value& schema, bool holds) {
  const json::object& object = schema.get_object();
  ObjectLayer layer;
  if (const json::value* properties = object.if_contains("properties")) {
    if (!properties->is_object()) return refused(schema, "properties", "expected an object of schemas");
    for (const auto& [name, demand] : properties->get_object()) {
      layer.properties[name] = demand_that(demand);
      layer.order.emplace_back(name);
    }
  }
  if (const json::value* patterns = object.if_contains("patternProperties")) {
    if (!patterns->is_object()) return refused(schema, "patternProperties", "expected an object of schemas");
    if (patterns->get_object().size() > kMaxPatterns) {
      return refused(schema, "patternProperties", fmt::format("more than {} are not supported", kMaxPatterns));
    }
    for (const auto& [text, demand] : patterns->get_object()) {
      layer.patterns.push_back({ONDOL_TRY(pattern(schema, "patternProperties", text)), demand_that(demand)});
    }
  }
  if (const json::value* additional = object.if_contains("additionalProperties")) {
    if (!is_true(*additional) || tells_evaluated_ || options_.closed) layer.additional = demand_that(*additional);
  } else if (options_.strict && holds) {
    layer.additional = demand_that(*constant_false());
  }
  if (!holds) return negated_members(schema, layer);
  // Properties that may be anything still count as evaluated.
  ObjectShape shape;
  layer.names_members = object.contains("properties") || !layer.patterns.empty();
  const bool says_nothing = layer.properties.empty() && layer.patterns.empty() && !layer.additional;
  if (!says_nothing || (options_.closed && layer.names_members)) shape.layers = {layer};
  return with_objects(std::move(shape));
}

/// Objects that have a property which does not meet its demand.
Result<Shape> SchemaExpander::negated_members(const json::value& schema, const ObjectLayer& layer) {
  for (const PatternDemand& pattern : layer.patterns) {
    if (!is_true(*pattern.demand.begin()->first)) {
      return refused(schema, "patternProperties", "not supported inside a negation");
    }
  }
  if (layer.additional && !is_true(*layer.additional->begin()->first)) {
    return refused(schema, "additionalProperties", "not supported inside a negation");
  }
  Shape shape;
  for (const auto& [name, demand] : layer.properties) {
    ObjectShape object;
    object.required = {name};
    ObjectLayer negated;
    negated.properties[name] = demand_that(*demand.begin()->first, false);
    object.layers = {negated};
    shape = algebra_.united(shape, only_object(object));
  }
  return shape;
}

Result<Shape> SchemaExpander::required_shape(const json::value& schema, bool holds) {
  const json::value& names = schema.get_object().at("required");
  if (!names.is_array()) return refused(schema, "required", "expected an array of names");
  ObjectShape all;
  Shape negated;
  for (const json::value& name : names.get_array()) {
    if (!name.is_string()) return refused(schema, "required", "expected an array of names");
    all.required.emplace(name.get_string());
    ObjectLayer layer;
    layer.properties[std::string(name.get_string())] = demand_that(*constant_false());
    ObjectShape object;
    object.layers = {layer};
    negated = algebra_.united(negated, only_object(object));
  }
  return holds ? with_objects(std::move(all)) : negated;
}

Result<Shape> SchemaExpander::property_count_shape(const json::value& schema, bool holds) {
  const json::object& object = schema.get_object();
  ObjectShape shape;
  Shape negated;
  if (object.contains("minProperties")) {
    shape.least = ONDOL_TRY(count(schema, "minProperties"));
    shape.least_by = shape.least > 0 ? &schema : nullptr;
    ObjectShape fewer;
    fewer.most = shape.least - 1;
    if (shape.least > 0) negated = algebra_.united(negated, only_object(fewer));
  }
  if (object.contains("maxProperties")) {
    shape.most = ONDOL_TRY(count(schema, "maxProperties"));
    ObjectShape more;
    more.least = shape.most + 1;
    more.least_by = &schema;
    negated = algebra_.united(negated, only_object(more));
  }
  if (!holds) return negated;
  Shape out = with_objects(shape);
  if (shape.most >= 0 && shape.least > shape.most) out.objects.clear();
  return out;
}

Result<Shape> SchemaExpander::property_names_shape(const json::value& schema, bool holds) {
  if (!holds) return refused(schema, "propertyNames", "not supported inside a negation");
  const Shape names = ONDOL_TRY(expand(schema.get_object().at("propertyNames"), true));
  ObjectShape shape;
  if (names.strings != algebra_.all_strings()) shape.keys = {names.strings};
  return with_objects(std::move(shape));
}

/// dependentRequired, dependentSchemas and draft 7's dependencies, which is both.
Result<Shape> SchemaExpander::dependencies_shape(const json::value& schema, std::string_view keyword, bool holds) {
  const json::value& dependencies = schema.get_object().at(keyword);
  if (!dependencies.is_object()) return refused(schema, keyword, "expected an object");
  Shape shape = holds ? algebra_.everything() : Shape();
  for (const auto& [name, dependency] : dependencies.get_object()) {
    ObjectShape present;
    present.required.emplace(name);
    if (const json::array* needs = dependency.if_array()) {
      ObjectShape together;
      for (const json::value& need : *needs) {
        if (!need.is_string()) return refused(schema, keyword, "expected arrays of names");
        if (holds) {
          together.dependent[name].emplace(need.get_string());
          continue;
        }
        ObjectLayer layer;
        layer.properties[std::string(need.get_string())] = demand_that(*constant_false());
        ObjectShape apart = present;
        apart.layers = {layer};
        shape = algebra_.united(shape, only_object(apart));
      }
      if (holds) shape = algebra_.intersection(shape, with_objects(together));
      continue;
    }
    const Shape inner = ONDOL_TRY(expand(dependency, holds));
    const Shape if_present = algebra_.intersection(only_object(present), inner);
    if (!holds) {
      shape = algebra_.united(shape, if_present);
      continue;
    }
    ObjectLayer layer;
    layer.properties[name] = demand_that(*constant_false());
    layer.evaluates = false;
    ObjectShape absent;
    absent.layers = {layer};
    Shape either = algebra_.united(only_object(absent), if_present);
    Shape others = algebra_.everything();
    others.objects.clear();
    shape = algebra_.intersection(shape, algebra_.united(others, either));
  }
  return shape;
}

Result<Shape> SchemaExpander::elements_shape(const json::value& schema, bool holds) {
  const json::object& object = schema.get_object();
  ArrayLayer layer;
  const json::value* rest = object.if_contains("items");
  const json::value* prefix = object.if_contains("prefixItems");
  if (rest != nullptr && rest->is_array()) {
    prefix = rest;
    rest = object.if_contains("additionalItems");
  }
  if (prefix != nullptr) {
    if (!prefix->is_array()) return refused(schema, "prefixItems", "expected an array of schemas");
    for (const json::value& part : prefix->get_array()) layer.prefix.push_back(demand_that(part));
  }
  if (rest != nullptr && (!is_true(*rest) || tells_evaluated_)) layer.rest = demand_that(*rest);
  if (holds) {
    ArrayShape shape;
    if (!layer.prefix.empty() || layer.rest) shape.layers = {layer};
    return with_arrays(std::move(shape));
  }
  // Arrays with an element that does not meet its demand.
  Shape negated;
  for (size_t i = 0; i < layer.prefix.size(); ++i) {
    ArrayLayer other;
    other.prefix.resize(i + 1);
    other.prefix[i] = demand_that(*layer.prefix[i].begin()->first, false);
    ArrayShape shape;
    shape.least = static_cast<int>(i) + 1;
    shape.layers = {other};
    negated = algebra_.united(negated, only_array(shape));
  }
  if (layer.rest) {
    ArrayShape shape;
    shape.contains.push_back(
        {demand_that(*layer.rest->begin()->first, false), static_cast<int>(layer.prefix.size()), 1, -1});
    negated = algebra_.united(negated, only_array(shape));
  }
  return negated;
}

Result<Shape> SchemaExpander::item_count_shape(const json::value& schema, bool holds) {
  const json::object& object = schema.get_object();
  ArrayShape shape;
  Shape negated;
  if (object.contains("minItems")) {
    shape.least = ONDOL_TRY(count(schema, "minItems"));
    ArrayShape fewer;
    fewer.most = shape.least - 1;
    if (shape.least > 0) negated = algebra_.united(negated, only_array(fewer));
  }
  if (object.contains("maxItems")) {
    shape.most = ONDOL_TRY(count(schema, "maxItems"));
    ArrayShape more;
    more.least = shape.most + 1;
    negated = algebra_.united(negated, only_array(more));
  }
  if (!holds) return negated;
  Shape out = with_arrays(shape);
  if (shape.most >= 0 && shape.least > shape.most) out.arrays.clear();
  return out;
}

Result<Shape> SchemaExpander::unique_shape(const json::value& schema, bool holds) {
  const json::value& value = schema.get_object().at("uniqueItems");
  if (!value.is_bool()) return refused(schema, "uniqueItems", "expected a boolean");
  if (!value.get_bool()) return holds ? algebra_.everything() : Shape();
  if (!holds) return refused(schema, "uniqueItems", "not supported inside a negation");
  ArrayShape shape;
  shape.unique_by = &schema;
  return with_arrays(std::move(shape));
}

Result<Shape> SchemaExpander::contains_shape(const json::value& schema, bool holds) {
  const json::object& object = schema.get_object();
  ContainsDemand contains{.demand = demand_that(object.at("contains"))};
  if (object.contains("minContains")) contains.least = ONDOL_TRY(count(schema, "minContains"));
  if (object.contains("maxContains")) contains.most = ONDOL_TRY(count(schema, "maxContains"));
  if (holds) {
    ArrayShape shape;
    if (contains.least > 0 || contains.most >= 0 || tells_evaluated_) shape.contains = {contains};
    Shape out = with_arrays(std::move(shape));
    if (contains.most >= 0 && contains.least > contains.most) out.arrays.clear();
    return out;
  }
  Shape negated;
  if (contains.least > 0) {
    ContainsDemand fewer{.demand = contains.demand, .least = 0, .most = contains.least - 1};
    ArrayShape shape;
    shape.contains = {fewer};
    negated = algebra_.united(negated, only_array(shape));
  }
  if (contains.most >= 0) {
    ContainsDemand more{.demand = contains.demand, .least = contains.most + 1};
    ArrayShape shape;
    shape.contains = {more};
    negated = algebra_.united(negated, only_array(shape));
  }
  return negated;
}

/// A layer for the members that no other layer has named. Layers of schemas further out come later and are not asked.
Result<void> SchemaExpander::add_unevaluated(const json::value& schema, Shape& shape) {
  const json::object& object = schema.get_object();
  if (const json::value* unevaluated = object.if_contains("unevaluatedProperties")) {
    for (ObjectShape& alternative : shape.objects) {
      ObjectLayer named;
      bool all = false;
      for (const ObjectLayer& layer : alternative.layers) {
        if (!layer.evaluates) continue;
        all = all || layer.additional.has_value();
        for (const auto& [name, unused] : layer.properties) named.properties[name];
        for (const PatternDemand& pattern : layer.patterns) named.patterns.push_back({pattern.keys, {}});
      }
      named.additional = demand_that(*unevaluated);
      if (!all) alternative.layers.push_back(std::move(named));
    }
  }
  if (const json::value* unevaluated = object.if_contains("unevaluatedItems")) {
    for (ArrayShape& alternative : shape.arrays) {
      if (!alternative.contains.empty()) {
        return refused(schema, "unevaluatedItems", "not supported beside contains");
      }
      ArrayLayer named;
      bool all = false;
      for (const ArrayLayer& layer : alternative.layers) {
        if (!layer.evaluates) continue;
        all = all || layer.rest.has_value();
        named.prefix.resize(std::max(named.prefix.size(), layer.prefix.size()));
      }
      named.rest = demand_that(*unevaluated);
      if (!all) alternative.layers.push_back(std::move(named));
    }
  }
  return {};
}

}  // namespace ondol::grammar
