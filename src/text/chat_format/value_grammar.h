// Grammars of values that are not written as JSON, from the JSON Schemas of their tools: Python's literals, Gemma's.
//
// Held to: types, enum, const, properties and required, items, minItems and maxItems, anyOf and oneOf, and what limits
// numbers. Strings are held to enum and const only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "text/chat_format/dialect.h"

namespace ondol::chat_format {

struct ValueStyle {
  std::string quote = "\"";  // a longer one holds text without escapes
  bool quoted_keys = true;
  bool sorted_keys = false;
  std::string colon = ": ";
  std::string comma = ", ";
  std::string true_word = "true";
  std::string false_word = "false";
  std::string null_word = "null";
};

class ValueGrammar {
 public:
  ValueGrammar(CallGrammar& context, const ValueStyle& style, const json::value& root)
      : builder_(context.builder), style_(style), root_(root) {}

  Result<GrammarBuilder::Part> value(const json::value* schema);
  /// The properties of an object, each as key, `colon` and value.
  Result<GrammarBuilder::Part> members(const json::value* schema, bool quoted_keys, const std::string& colon);

 private:
  Result<GrammarBuilder::Part> of_type(const json::value& schema, unsigned type);
  Result<GrammarBuilder::Part> list(const json::value& schema);
  Result<GrammarBuilder::Part> any();
  Result<GrammarBuilder::Part> string();
  GrammarBuilder::Part constant(const json::value& value);

  GrammarBuilder& builder_;
  const ValueStyle& style_;
  const json::value& root_;
  int depth_ = 0;
  GrammarBuilder::Part any_;
  GrammarBuilder::Part string_;
};

/// A schema of its own: `schema` with the definitions of `root`.
json::value standalone_schema(const json::value& schema, const json::value& root);
/// A number, a boolean or null whose schema says no more than its type, in JSON; nothing for other schemas. Much less
/// to build than what GrammarBuilder::json_schema() gives.
std::optional<GrammarBuilder::Part> plain_scalar(GrammarBuilder& builder, const json::value& schema);
/// The names of the properties in the order in which they are to be written, and whether each is required.
std::vector<std::pair<std::string, bool>> property_names(const json::value* schema, bool sorted);

/// What properties that are not listed must be. As JsonSchemaOptions::closed has it: there are none, unless
/// additionalProperties says so or nothing is said about properties.
struct OtherProperties {
  bool allowed = false;
  const json::value* schema = nullptr;  // null: anything
};
OtherProperties other_properties(const json::value* schema);

struct Member {
  GrammarBuilder::Part part;
  bool required = false;
};
/// Members in order, with `comma` between those that are there.
GrammarBuilder::Part ordered_members(GrammarBuilder& builder, const std::vector<Member>& members,
                                     const std::string& comma);
/// Members in any order, as JSON's are, as long as they are few; otherwise in theirs.
GrammarBuilder::Part members_in_any_order(GrammarBuilder& builder, const std::vector<Member>& members,
                                          const std::string& comma);

}  // namespace ondol::chat_format
