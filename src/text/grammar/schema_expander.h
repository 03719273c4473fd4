// SchemaExpander: what a schema allows, as a Shape. References and the keywords that combine schemas are followed;
// schemas of members are left as demands.
#pragma once

#include <deque>
#include <functional>
#include <map>

#include "text/grammar/grammar.h"
#include "text/grammar/schema_document.h"
#include "text/grammar/schema_shape.h"

namespace ondol::grammar {

class SchemaExpander {
 public:
  SchemaExpander(SchemaDocument& document, ShapeAlgebra& algebra, const JsonSchemaOptions& options)
      : document_(document), algebra_(algebra), options_(options) {}

  /// What all of the demand's schemas allow.
  Result<Shape> expand(const Demand& demand);

  /// Surely empty. Looks a few levels deep.
  Result<bool> is_empty(const Shape& shape, int levels);
  Result<bool> is_empty(const Demand& demand, int levels);

  /// The demands on the member `name`, and on the one at `index`.
  Demand demand_of(const ObjectShape& shape, const std::string& name);
  static Demand demand_of(const ArrayShape& shape, size_t index);

  /// The schema that only `value` is valid under.
  const json::value* constant(const json::value& value);

  Error refused(const json::value& schema, std::string_view keyword, std::string_view why) const;

 private:
  using Literal = std::pair<const json::value*, bool>;

  Result<Shape> expand(const json::value& schema, bool holds);
  Result<Shape> expand_object(const json::value& schema, bool holds);
  Result<void> check_keywords(const json::value& schema) const;

  // schema_scalars.cpp
  Result<Shape> type_shape(const json::value& schema);
  Result<Shape> number_shape(const json::value& schema);
  Result<Shape> string_shape(const json::value& schema);
  Result<Shape> values_shape(const json::value& schema, const json::value& values, bool holds);
  Result<Shape> value_shape(const json::value& value, bool holds);

  // schema_containers.cpp
  Result<Shape> members_shape(const json::value& schema, bool holds);
  Result<Shape> negated_members(const json::value& schema, const ObjectLayer& layer);
  Result<Shape> required_shape(const json::value& schema, bool holds);
  Result<Shape> property_count_shape(const json::value& schema, bool holds);
  Result<Shape> property_names_shape(const json::value& schema, bool holds);
  Result<Shape> dependencies_shape(const json::value& schema, std::string_view keyword, bool holds);
  Result<Shape> elements_shape(const json::value& schema, bool holds);
  Result<Shape> item_count_shape(const json::value& schema, bool holds);
  Result<Shape> unique_shape(const json::value& schema, bool holds);
  Result<Shape> contains_shape(const json::value& schema, bool holds);
  Result<void> add_unevaluated(const json::value& schema, Shape& shape);

  // schema_combiners.cpp
  Result<Shape> reference_shape(const json::value& schema, bool holds);
  Result<Shape> all_of_shape(const json::value& schema, bool holds);
  Result<Shape> any_of_shape(const json::value& schema, bool holds);
  Result<Shape> one_of_shape(const json::value& schema, bool holds);
  Result<Shape> not_shape(const json::value& schema, bool holds);
  Result<Shape> condition_shape(const json::value& schema, bool holds);
  Result<std::vector<const json::value*>> schemas_of(const json::value& schema, std::string_view keyword) const;

  /// Everything but objects (arrays), and these.
  Shape with_objects(ObjectShape object) const;
  Shape with_arrays(ArrayShape array) const;
  static Shape only_object(ObjectShape object);
  static Shape only_array(ArrayShape array);

  Result<int> count(const json::value& schema, std::string_view keyword) const;
  Result<TermId> pattern(const json::value& schema, std::string_view keyword, std::string_view text);
  const json::value* made(json::value schema);
  static const json::value* constant_false() {
    static const json::value value = false;
    return &value;
  }

  SchemaDocument& document_;
  ShapeAlgebra& algebra_;
  const JsonSchemaOptions& options_;
  std::map<std::pair<Literal, bool>, Shape> known_;
  std::set<Literal> open_;
  std::deque<json::value> made_;
  std::map<const json::value*, const json::value*> constants_;
  std::map<const json::value*, const json::value*> spelled_out_;  // objects and arrays as schemas of their members
  bool tells_evaluated_ = false;                                  // a schema around asks for what its parts evaluate
  int depth_ = 0;
  size_t n_expanded_ = 0;
};

}  // namespace ondol::grammar
