// PlainTool: the parts that most tools share.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "agent/tool.h"
#include "base/check.h"

namespace ondol {

class PlainTool : public Tool {
 public:
  const ToolDefinition& definition() const override { return definition_; }
  Effect effect(const json::object&) const override { return effect_; }

 protected:
  /// `properties` and `required` as in a JSON Schema of an object.
  PlainTool(std::string name, std::string description, std::string_view properties, std::string_view required,
            Effect effect)
      : effect_(effect) {
    auto schema = parse_json(std::string(R"({"type": "object", "properties": )") + std::string(properties) +
                             R"(, "required": )" + std::string(required) + R"(, "additionalProperties": false})");
    ONDOL_CHECK(schema.has_value());
    definition_ = {std::move(name), std::move(description), std::move(*schema), false};
  }

 private:
  ToolDefinition definition_;
  Effect effect_;
};

/// What the model can mend.
inline ToolResult mistake(std::string text) {
  ToolResult result;
  result.text = std::move(text);
  result.is_error = true;
  return result;
}

inline ToolResult words(std::string text) {
  ToolResult result;
  result.text = std::move(text);
  return result;
}

/// Words that neither the owner nor Ondol wrote.
inline ToolResult foreign_words(std::string text) {
  ToolResult result = words(std::move(text));
  result.is_untrusted = true;
  return result;
}

}  // namespace ondol
