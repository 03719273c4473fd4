// JSON Schema: documents with an independent validator's verdicts (tools/make_grammar_goldens.py), refusals, options
// and limits.
#include <gtest/gtest.h>

#include <sstream>

#include "base/files.h"
#include "tests/text/grammar/json_text.h"

namespace ondol {
namespace {

using grammar_tests::accepts;
using grammar_tests::python_text;

Result<GrammarPtr> of(std::string_view schema, const JsonSchemaOptions& options = {}) {
  return grammar_from_json_schema(*parse_json(schema), options);
}

GrammarPtr made(std::string_view schema, const JsonSchemaOptions& options = {}) {
  auto grammar = of(schema, options);
  EXPECT_TRUE(grammar) << schema << ": " << (grammar ? "" : grammar.error().message());
  return grammar ? *grammar : nullptr;
}

TEST(JsonSchema, GoldenVerdicts) {
  std::istringstream lines(*read_file(ONDOL_SOURCE_DIR "/tests/golden/grammar/json_schema.jsonl"));
  int n_documents = 0;
  for (std::string line; std::getline(lines, line);) {
    const json::value golden = *parse_json(line);
    const auto grammar = grammar_from_json_schema(golden.at("schema"));
    ASSERT_TRUE(grammar) << line << ": " << grammar.error().message();
    for (const json::value& test : golden.at("tests").get_array()) {
      const std::string_view text = test.at(0).get_string();
      const bool valid = test.at(1).get_bool();
      const json::value document = *parse_json(text);
      EXPECT_EQ(accepts(*grammar, text), valid) << text << " under " << json::serialize(golden.at("schema"));
      EXPECT_EQ(accepts(*grammar, python_text(document, false)), valid) << text;
      ++n_documents;
    }
  }
  EXPECT_GT(n_documents, 800);
}

TEST(JsonSchema, RefusesByNameAndPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"properties": {"a": {"uniqueItems": true}}})", "schema: #/properties/a/uniqueItems: only supported"},
      {R"({"items": {"$ref": "other.json"}})", "schema: #/items/$ref: 'other.json' is not in this document"},
      {R"({"$ref": "#/$defs/x"})", "schema: #/$ref: '#/$defs/x' is not in this document"},
      {R"({"$ref": "#"})", "schema: #/$ref: refers to itself without a member in between"},
      {R"({"type": "text"})", "schema: #/type: there is no type text"},
      {R"js({"a": 1, "pattern": "(?=x)"})js", "schema: #/pattern: pattern '(?=x)': at character 3: look-ahead"},
      {R"js({"pattern": "(a)\\1"})js", "back-references are not supported"},
      {R"({"pattern": "\\bx"})", "word boundaries are not supported"},
      {R"({"minLength": -1})", "schema: #/minLength: expected a whole number"},
      {R"({"minProperties": 2})", "schema: #/minProperties: above 1 it is only supported where"},
      {R"({"not": {"additionalProperties": {"type": "null"}}})", "schema: #/not/additionalProperties: not supported"},
      {R"({"oneOf": [{"patternProperties": {"a": {"type": "null"}}}, {"type": "object"}]})",
       "schema: #/oneOf: a value may match both branch"},
      {R"({"unevaluatedItems": false, "contains": {}})", "schema: #/unevaluatedItems: not supported beside contains"},
      {R"({"$schema": "https://example.com/mine"})", "schema: #/$schema: the dialect"},
      {R"({"multipleOf": 0.12345678901})", "schema: #/multipleOf: more than nine digits"},
      {R"({"maximum": "3"})", "schema: #/maximum: expected a number"},
      {R"([])", "schema: expected an object or a boolean"},
      {R"({"type": "integer", "minimum": 3, "maximum": 2})", "grammar: no text matches it"},
      {R"({"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}})", "grammar: no text matches it"},
      {R"(false)", "grammar: no text matches it"},
  };
  for (const auto& [schema, message] : cases) {
    const auto grammar = of(schema);
    ASSERT_FALSE(grammar) << schema;
    EXPECT_NE(grammar.error().message().find(message), std::string::npos)
        << schema << ": " << grammar.error().message();
  }
}

TEST(JsonSchema, SpaceIsBounded) {
  const GrammarPtr any = made("{}");
  EXPECT_TRUE(accepts(any, "{\n  \"a\": [\n    1,\n    2\n  ]\n}"));
  EXPECT_TRUE(accepts(any, "{ \"a\" : 1 }"));
  EXPECT_FALSE(accepts(any, "{" + std::string(300, ' ') + "}"));
  EXPECT_FALSE(accepts(any, "{" + std::string(300, '\n') + "}"));
  EXPECT_FALSE(accepts(any, "{} "));
  const GrammarPtr compact = made("{}", {.compact = true});
  EXPECT_TRUE(accepts(compact, R"({"a": [1, 2,3],"b":{}})"));
  EXPECT_FALSE(accepts(compact, "{ }"));
  EXPECT_FALSE(accepts(compact, "{\"a\":  1}"));
  EXPECT_FALSE(accepts(compact, "[1,\n2]"));
}

TEST(JsonSchema, StrictClosesAndOrders) {
  const char* schema = R"({"type": "object", "properties": {"b": {"type": "integer"}, "a": {"type": "object"}},
                           "required": ["b", "a"]})";
  const GrammarPtr strict = made(schema, {.strict = true});
  EXPECT_TRUE(accepts(strict, R"({"b": 1, "a": {}})"));
  EXPECT_FALSE(accepts(strict, R"({"a": {}, "b": 1})"));
  EXPECT_FALSE(accepts(strict, R"({"b": 1, "a": {"x": 1}})"));
  EXPECT_FALSE(accepts(strict, R"({"b": 1, "a": {}, "c": 1})"));
  const GrammarPtr free = made(schema);
  EXPECT_TRUE(accepts(free, R"({"c": 1, "a": {"x": 1}, "b": 1})"));
  EXPECT_FALSE(accepts(free, R"({"a": {}})"));
  EXPECT_FALSE(accepts(free, R"({"a": {}, "b": 1, "b": 2})"));
}

TEST(JsonSchema, ClosedObjectsHaveNoOtherProperties) {
  const auto closed = [](const char* schema) { return made(schema, {.closed = true}); };
  const GrammarPtr nested = closed(R"({"type": "object", "properties": {"a": {"type": "object",
      "properties": {"b": {"type": "integer"}}}, "list": {"items": {"properties": {}}}}})");
  EXPECT_TRUE(accepts(nested, R"({"list": [{}, 1], "a": {"b": 1}})"));
  EXPECT_FALSE(accepts(nested, R"({"c": 1})"));
  EXPECT_FALSE(accepts(nested, R"({"a": {"c": 1}})"));
  EXPECT_FALSE(accepts(nested, R"({"list": [{"c": 1}]})"));
  const GrammarPtr open = closed(R"({"properties": {"a": {"type": "integer"}}, "additionalProperties": true})");
  EXPECT_TRUE(accepts(open, R"({"c": {"d": 1}, "a": 1})"));
  const GrammarPtr by_schema =
      closed(R"({"properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "null"}})");
  EXPECT_TRUE(accepts(by_schema, R"({"c": null})"));
  EXPECT_FALSE(accepts(by_schema, R"({"c": 1})"));
  EXPECT_TRUE(accepts(closed(R"({"type": "object"})"), R"({"c": 1})")) << "nothing is said about properties";
  const GrammarPtr parts = closed(R"({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"$ref": "#/$defs/b"}],
      "$defs": {"b": {"type": "object", "properties": {"b": {"type": "null"}}, "required": ["c"]}}})");
  EXPECT_TRUE(accepts(parts, R"({"a": 1, "b": null, "c": 2})")) << "closed as a whole, not part by part";
  EXPECT_FALSE(accepts(parts, R"({"c": 1, "d": 2})"));
  const GrammarPtr patterns = closed(R"({"patternProperties": {"^x-": {"type": "integer"}}})");
  EXPECT_TRUE(accepts(patterns, R"({"x-a": 1, "x-b": 2})"));
  EXPECT_FALSE(accepts(patterns, R"({"y": 1})"));
}

TEST(JsonSchema, KeysCannotBeSmuggledInByEscapes) {
  const GrammarPtr grammar =
      made(R"({"type": "object", "properties": {"foo": {"type": "integer"}, "é": {"type": "null"}}})");
  EXPECT_FALSE(accepts(grammar, R"({"\u0066oo": "x"})"));
  EXPECT_TRUE(accepts(grammar, R"({"\u00e9": null})"));
  EXPECT_FALSE(accepts(grammar, R"({"\u00E9": 1})"));
  EXPECT_TRUE(accepts(grammar, R"({"fo": "x", "fooo": 1})"));
}

TEST(JsonSchema, StringsAreWellFormed) {
  const GrammarPtr any = made(R"({"type": "string"})");
  EXPECT_TRUE(accepts(any, R"("\ud83d\ude00 \u0041 \/ 😀")"));
  EXPECT_FALSE(accepts(any, R"("\ud83d")"));
  EXPECT_FALSE(accepts(any, R"("\ude00")"));
  EXPECT_FALSE(accepts(any, "\"a\nb\""));
  EXPECT_FALSE(accepts(any, "\"\xC0\x80\""));
  EXPECT_FALSE(accepts(any, "\"\xED\xA0\x80\""));
  EXPECT_FALSE(accepts(any, R"("\x41")"));
}

TEST(JsonSchema, ObjectsOnly) {
  const GrammarPtr objects = grammar_of_json_objects();
  EXPECT_TRUE(accepts(objects, R"({"a": [{"b": null}, -1.5e-7, "x"], "a": {}})"));
  EXPECT_FALSE(accepts(objects, "[]"));
  EXPECT_FALSE(accepts(objects, R"({"a": 01})"));
}

TEST(JsonSchema, LargeCountsCostNothing) {
  const GrammarPtr grammar = made(R"({"type": "array", "minItems": 3, "maxItems": 100000,
      "items": {"type": "string", "minLength": 2, "maxLength": 20000}})");
  const std::string text(19999, 'x');
  EXPECT_TRUE(accepts(grammar, "[\"ab\",\"abc\",\"" + text + "\"]"));
  EXPECT_FALSE(accepts(grammar, "[\"ab\",\"abc\",\"" + text + "xx\"]"));
  EXPECT_FALSE(accepts(grammar, "[\"ab\",\"abc\"]"));
}

TEST(JsonSchema, HostileSchemasEndSoon) {
  // Alternatives that multiply, deep nesting, and a combination whose emptiness is hard to see.
  std::string product = R"({"allOf": [)";
  for (int i = 0; i < 12; ++i) {
    product += (i ? "," : "") + fmt::format(R"({{"anyOf": [{{"required": ["a{0}"]}}, {{"required": ["b{0}"]}}]}})", i);
  }
  EXPECT_FALSE(of(product + "]}"));
  EXPECT_FALSE(of(R"js({"type": "string", "pattern": "^(a{1000}){1000}$", "maxLength": 999999})js"));
  std::string nested = "1";
  for (int i = 0; i < 150; ++i) nested = R"({"items": )" + std::string(i ? nested : "{}") + "}";
  EXPECT_TRUE(of(nested));
}

}  // namespace
}  // namespace ondol
