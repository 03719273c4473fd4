#include "text/chat_format/loose_json.h"

#include <gtest/gtest.h>

#include "text/chat_format/arguments.h"

namespace ondol::chat_format {
namespace {

// What comes out of `text`, which is the same however it is cut.
std::string loose(std::string_view text, const LooseJsonOptions& options = {}) {
  LooseJson whole(options);
  std::string out;
  whole.push(text, true, out);
  LooseJson bytes(options);
  std::string out_of_bytes;
  std::string rest;
  for (size_t i = 0; i < text.size(); ++i) {
    rest += text[i];
    rest.erase(0, bytes.push(rest, i + 1 == text.size(), out_of_bytes));
  }
  EXPECT_EQ(out, out_of_bytes);
  whole.close(out);
  EXPECT_TRUE(parse_json(out)) << text << " gave " << out;
  return out;
}

TEST(LooseJson, JsonStaysAsItIs) {
  for (const char* text : {R"({"a": 1, "b": [true, false, null], "c": {}, "d": []})", R"("\u00e9\n\"\\\/")", "-1.5e+10",
                           "[[], {}]", R"({"a": "\ud83d\ude00"})", R"(["\uc548"])"}) {
    EXPECT_EQ(loose(text), text);
  }
  EXPECT_EQ(loose("{ \"a\" :1 ,\n\"b\":[ 1,2 ] }"), R"({"a": 1, "b": [1, 2]})");
}

TEST(LooseJson, WhatModelsGetWrong) {
  EXPECT_EQ(loose("{'a': 'it\\'s \"b\"', 'c': True, 'd': None,}"), R"({"a": "it's \"b\"", "c": true, "d": null})");
  EXPECT_EQ(loose("{a: x1, b: .5, c: 5., d: +3, e: 007, f: NaN}"),
            R"({"a": "x1", "b": 0.5, "c": 5.0, "d": 3, "e": "007", "f": null})");
  EXPECT_EQ(loose("[1 \"a\" {\"b\" \"c\"}]"), R"([1, "a", {"b": "c"}])");
  EXPECT_EQ(loose("{\"a\":, \"b\"}"), R"({"a": null, "b": null})");
  EXPECT_EQ(loose("[,1,,2,]"), "[1, 2]");
  EXPECT_EQ(loose("{\"a\": [1, {\"b\": 2]}"), R"({"a": [1, {"b": 2}]})");
  EXPECT_EQ(loose("{\"a\": (1, 2)}"), R"({"a": [1, 2]})");
  EXPECT_EQ(loose("{\"a\": [1}"), R"({"a": [1]})");
  EXPECT_EQ(loose("\"a\nb\x01\\q\\u12\""), R"("a\nb\u0001\\q\\u12")");
  EXPECT_EQ(loose("[\"\\ud800\", \"\\udc00x\", \"\\ud800\\ud83d\\ude00\"]"),
            R"(["\ufffd", "\ufffdx", "\ufffd\ud83d\ude00"])");
}

TEST(LooseJson, WhatIsCutOffIsClosed) {
  EXPECT_EQ(loose("{\"a\": [1, {\"b\": \"c"), R"({"a": [1, {"b": "c"}]})");
  EXPECT_EQ(loose("{\"a\": \"b\\"), R"({"a": "b"})");
  EXPECT_EQ(loose("{\"a\": \"b\\u12"), R"({"a": "b"})");
  EXPECT_EQ(loose("{\"a\""), "{}");
  EXPECT_EQ(loose("{\"a\":"), R"({"a": null})");
  EXPECT_EQ(loose("{\"a\": 12"), R"({"a": 12})");
  EXPECT_EQ(loose(""), "null");
}

TEST(LooseJson, DeepTextIsCutToItsDepth) {
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  const std::string out = loose(deep);
  EXPECT_LT(out.size(), 1000u);
  EXPECT_NE(out.find("null"), std::string::npos);
}

TEST(LooseJson, KeywordsOfACall) {
  const LooseJsonOptions options = {.keywords = true, .positional_names = {"a", "b", "c"}};
  EXPECT_EQ(loose("x=1, y=\"(z)\", l=[1, (2, 3)], d={'k': True})", options),
            R"x({"x": 1, "y": "(z)", "l": [1, [2, 3]], "d": {"k": true}})x");
  EXPECT_EQ(loose("1, 'x', [2], z=3)", options), R"({"a": 1, "b": "x", "c": [2], "z": 3})");
  EXPECT_EQ(loose(")", options), "{}");
}

TEST(LooseJson, QuotesOfItsOwn) {
  const LooseJsonOptions options = {.quote = "<|\"|>"};
  EXPECT_EQ(loose("{a:<|\"|>say \"hi\" \\n <|b<|\"|>,c:[<|\"|><|\"|>,1]}", options),
            R"({"a": "say \"hi\" \\n <|b", "c": ["", 1]})");
}

TEST(LooseJson, Scalars) {
  EXPECT_EQ(loose_scalar(" 5 "), "5");
  EXPECT_EQ(loose_scalar("five days"), "\"five days\"");
  EXPECT_EQ(loose_scalar("True"), "true");
  EXPECT_EQ(loose_scalar("\"x\""), "\"x\"");
  EXPECT_EQ(loose_scalar("1, 2"), "\"1, 2\"");
  EXPECT_EQ(loose_scalar(""), "null");
}

std::string parameter(std::string_view schema, std::string_view text) {
  const auto parsed = parse_json(schema);
  ParameterValue value(schema_types(&*parsed, *parsed), false);
  std::string out;
  for (const char c : text) value.push(std::string_view(&c, 1), out);
  value.end(out);
  return out;
}

TEST(ParameterValue, TheSchemaTellsTextsFromData) {
  EXPECT_EQ(parameter(R"({"type": "string"})", "5"), "\"5\"");
  EXPECT_EQ(parameter(R"({"type": "string"})", "null"), "\"null\"");
  EXPECT_EQ(parameter(R"({"type": "integer"})", "5"), "5");
  EXPECT_EQ(parameter(R"({"type": "integer"})", "five days"), "\"five days\"");
  EXPECT_EQ(parameter(R"({"type": ["string", "null"]})", "null"), "null");
  EXPECT_EQ(parameter(R"({"type": ["string", "null"]})", "nullify"), "\"nullify\"");
  EXPECT_EQ(parameter(R"({"anyOf": [{"type": "string"}, {"type": "null"}]})", "5"), "\"5\"");
  EXPECT_EQ(parameter(R"({"anyOf": [{"type": "string"}, {"type": "integer"}]})", "5"), "5");
  EXPECT_EQ(parameter(R"({"$ref": "#/$defs/x", "$defs": {"x": {"enum": ["5", "6"]}}})", "5"), "\"5\"");
  EXPECT_EQ(parameter("{}", "5"), "5");
  EXPECT_EQ(parameter("{}", "5 days"), "\"5 days\"");
  EXPECT_EQ(parameter(R"({"type": "object"})", "{'a': [1, 2"), R"({"a": [1, 2]})");
  EXPECT_EQ(parameter(R"({"type": "boolean"})", " True\n"), "true");
}

TEST(ParameterValue, SchemasThatReferToThemselvesEnd) {
  const auto schema = parse_json(
      R"({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}, "b": {"$ref": "#/$defs/b"}}})");
  EXPECT_EQ(schema_types(&*schema, *schema), static_cast<unsigned>(kAnyType));
  const auto loop = parse_json(R"({"$ref": "#"})");
  EXPECT_EQ(schema_types(&*loop, *loop), static_cast<unsigned>(kAnyType));
}

}  // namespace
}  // namespace ondol::chat_format
