// Arguments of a call, as a JSON object: from a value that a model wrote, or put together from single parameters whose
// schema tells how to read them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text/chat_format.h"
#include "text/chat_format/loose_json.h"

namespace ondol::chat_format {

/// Makes an object of one value: an object as it is; a string that holds an object (models write this, too) opened up;
/// anything else becomes {}.
class ArgumentsValue {
 public:
  explicit ArgumentsValue(LooseJsonOptions options = {}) : options_(options), json_(options) {}

  /// As LooseJson::push.
  size_t push(std::string_view text, bool is_final, std::string& out);
  bool is_done() const { return is_done_; }
  /// The value's text ended before the value did.
  void close(std::string& out);

 private:
  enum class Kind { kUnknown, kObject, kOther };

  LooseJsonOptions options_;
  LooseJson json_;
  Kind kind_ = Kind::kUnknown;
  std::string other_;
  bool is_done_ = false;
};

/// JSON's types as a set of bits.
enum JsonType : unsigned {
  kNullType = 1,
  kBooleanType = 2,
  kNumberType = 4,
  kStringType = 8,
  kArrayType = 16,
  kObjectType = 32,
  kAnyType = 63,
};

/// The types that a schema allows, as far as it shows; references are followed within `root`.
unsigned schema_types(const json::value* schema, const json::value& root);
/// The schema that `schema` refers to within `root`, or itself; null when there is none.
const json::value* resolve_schema(const json::value* schema, const json::value& root);
/// The schema of a property or of an array's items; null where unknown.
const json::value* property_schema(const json::value* schema, std::string_view name, const json::value& root);
const json::value* item_schema(const json::value* schema, const json::value& root);

const ToolDefinition* find_tool(const AnswerDemand& demand, std::string_view name);

/// The JSON of one parameter whose value stands as text between markers: strings as they are, other types as JSON or as
/// Python writes them.
class ParameterValue {
 public:
  /// `on_own_line`: a line break at the beginning and one at the end are no part of the value.
  ParameterValue(unsigned types, bool on_own_line) : types_(types), on_own_line_(on_own_line) {}

  void push(std::string_view text, std::string& out);
  /// The value's text is complete.
  void end(std::string& out);

 private:
  enum class Mode { kUndecided, kString, kContainer, kHeld };
  void decide(bool is_complete, std::string& out);
  void push_string(std::string_view text, std::string& out);

  unsigned types_;
  bool on_own_line_;
  Mode mode_ = Mode::kUndecided;
  std::string held_;
  bool began_ = false;  // whether a line break at the beginning was looked for
  LooseJson json_;
};

}  // namespace ondol::chat_format
