// The keywords of SchemaExpander that put schemas together.
#include <fmt/format.h>

#include "text/grammar/schema_expander.h"

namespace ondol::grammar {
namespace {

// How deep it is looked for a reason why two branches of oneOf exclude each other.
constexpr int kLevelsLookedInto = 3;
constexpr size_t kMaxBranchesTold = 5;

}  // namespace

Result<std::vector<const json::value*>> SchemaExpander::schemas_of(const json::value& schema,
                                                                   std::string_view keyword) const {
  const json::value& value = schema.get_object().at(keyword);
  if (!value.is_array() || value.get_array().empty()) return refused(schema, keyword, "expected an array of schemas");
  std::vector<const json::value*> schemas;
  for (const json::value& part : value.get_array()) schemas.push_back(&part);
  return schemas;
}

Result<Shape> SchemaExpander::reference_shape(const json::value& schema, bool holds) {
  Shape shape = holds ? algebra_.everything() : Shape();
  for (const std::string_view keyword : {"$ref", "$dynamicRef"}) {
    const json::value* reference = schema.get_object().if_contains(keyword);
    if (reference == nullptr) continue;
    if (!reference->is_string()) return refused(schema, keyword, "expected a string");
    const bool dynamic = keyword[1] == 'd';
    const json::value* target = dynamic ? ONDOL_TRY(document_.resolve_dynamic(schema, reference->get_string()))
                                        : ONDOL_TRY(document_.resolve(schema, reference->get_string()));
    const Shape next = ONDOL_TRY(expand(*target, holds));
    shape = holds ? algebra_.intersection(shape, next) : algebra_.united(shape, next);
  }
  return shape;
}

Result<Shape> SchemaExpander::all_of_shape(const json::value& schema, bool holds) {
  Shape shape = holds ? algebra_.everything() : Shape();
  for (const json::value* part : ONDOL_TRY(schemas_of(schema, "allOf"))) {
    const Shape next = ONDOL_TRY(expand(*part, holds));
    shape = holds ? algebra_.intersection(shape, next) : algebra_.united(shape, next);
  }
  return shape;
}

Result<Shape> SchemaExpander::any_of_shape(const json::value& schema, bool holds) {
  const auto parts = ONDOL_TRY(schemas_of(schema, "anyOf"));
  std::vector<Shape> shapes;
  for (const json::value* part : parts) shapes.push_back(ONDOL_TRY(expand(*part, holds)));
  Shape shape = holds ? Shape() : algebra_.everything();
  for (const Shape& next : shapes) shape = holds ? algebra_.united(shape, next) : algebra_.intersection(shape, next);
  if (!holds || !tells_evaluated_) return shape;
  // What several branches evaluate together is an alternative of its own.
  if (parts.size() > kMaxBranchesTold) {
    return refused(schema, "anyOf", "more than five branches are not supported beside unevaluated members");
  }
  for (size_t subset = 1; subset < size_t{1} << parts.size(); ++subset) {
    if ((subset & (subset - 1)) == 0) continue;
    Shape together = algebra_.everything();
    for (size_t i = 0; i < parts.size(); ++i) {
      if (subset >> i & 1) together = algebra_.intersection(together, shapes[i]);
    }
    shape = algebra_.united(shape, together);
  }
  return shape;
}

/// Each branch without what the others allow. Branches that exclude each other anyway need no negation.
Result<Shape> SchemaExpander::one_of_shape(const json::value& schema, bool holds) {
  if (!holds) return refused(schema, "oneOf", "not supported inside a negation");
  const auto parts = ONDOL_TRY(schemas_of(schema, "oneOf"));
  std::vector<Shape> shapes;
  for (const json::value* part : parts) shapes.push_back(ONDOL_TRY(expand(*part, true)));
  Shape shape;
  for (size_t i = 0; i < parts.size(); ++i) {
    Shape only = shapes[i];
    for (size_t j = 0; j < parts.size(); ++j) {
      if (i == j || ONDOL_TRY(is_empty(algebra_.intersection(only, shapes[j]), kLevelsLookedInto))) continue;
      const auto others = expand(*parts[j], false);
      if (!others) {
        return refused(schema, "oneOf",
                       fmt::format("a value may match both branch {} and branch {}, and what one of "
                                   "them does not match cannot be told ({})",
                                   i, j, others.error().message()));
      }
      only = algebra_.intersection(only, *others);
    }
    shape = algebra_.united(shape, only);
  }
  return shape;
}

Result<Shape> SchemaExpander::not_shape(const json::value& schema, bool holds) {
  return expand(schema.get_object().at("not"), !holds);
}

Result<Shape> SchemaExpander::condition_shape(const json::value& schema, bool holds) {
  const json::object& object = schema.get_object();
  static const json::value always = true;
  const auto branch = [&](std::string_view keyword) {
    const json::value* found = object.if_contains(keyword);
    return found == nullptr ? &always : found;
  };
  const json::value* const met = branch("then");
  const json::value* const otherwise = branch("else");
  const bool no_branches = met == &always && otherwise == &always;
  if (no_branches && !tells_evaluated_) return holds ? algebra_.everything() : Shape();
  const json::value& condition = object.at("if");
  const Shape first = algebra_.intersection(ONDOL_TRY(expand(condition, true)), ONDOL_TRY(expand(*met, holds)));
  const Shape second = algebra_.intersection(ONDOL_TRY(expand(condition, false)), ONDOL_TRY(expand(*otherwise, holds)));
  return algebra_.united(first, second);
}

}  // namespace ondol::grammar
