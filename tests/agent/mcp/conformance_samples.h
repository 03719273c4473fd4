// What the conformance suite's tools hand out.
#pragma once

#include <string>
#include <utility>

#include "agent/mcp/catalog.h"

namespace ondol::mcp {

/// One red pixel, and a tenth of a second of silence, as Base64.
inline constexpr const char* kPng =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
inline constexpr const char* kWav = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

inline OfferedTool plain_tool(const std::string& name,
                              std::function<Reply(const json::object& arguments, Call& call)> run) {
  json::object listing{{"name", name},
                       {"description", "The suite's " + name},
                       {"inputSchema", json::object{{"type", "object"}, {"properties", json::object()}}}};
  return {name, std::move(listing), std::move(run)};
}

/// A form with one field.
inline json::object form_of(const char* message, const char* field, const char* type) {
  json::object properties;
  properties[field] = json::object{{"type", type}};
  return {{"message", message},
          {"requestedSchema",
           json::object{{"type", "object"}, {"properties", std::move(properties)}, {"required", json::array{field}}}}};
}

/// Keywords of JSON Schema 2020-12 that must come through.
inline json::value schema_sample() {
  return *parse_json(R"({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
    "$defs": {"address": {"$anchor": "addressDef", "type": "object",
      "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
    "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"},
      "contactMethod": {"type": "string", "enum": ["phone", "email"]}, "phone": {"type": "string"},
      "email": {"type": "string"}},
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]}, "else": {"required": ["email"]}, "additionalProperties": false})");
}

}  // namespace ondol::mcp
