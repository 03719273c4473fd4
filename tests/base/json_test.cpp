#include "base/json.h"

#include <cmath>

#include <gtest/gtest.h>

namespace ondol {
namespace {

TEST(Json, NamesLineAndColumnOfAnError) {
  const auto result = parse_json("{\n  \"a\": ]\n}");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message().find("line 2, column 8"), std::string::npos) << result.error().message();
}

TEST(Json, RefusesAnUnfinishedDocumentAndTextAfterIt) {
  EXPECT_FALSE(parse_json("{\"a\": 1"));
  EXPECT_FALSE(parse_json("{} {}"));
  EXPECT_FALSE(parse_json(""));
  EXPECT_TRUE(parse_json(" {} \n"));
}

TEST(Json, RefusesUnboundedDepth) {
  EXPECT_FALSE(parse_json(std::string(100000, '[')));
}

TEST(Json, MembersFallBack) {
  const auto value = parse_json(R"({"i": 3, "d": 1.5, "s": "x", "b": true})");
  ASSERT_TRUE(value);
  EXPECT_EQ(int_or(*value, "i", 0), 3);
  EXPECT_EQ(int_or(*value, "absent", 7), 7);
  EXPECT_EQ(double_or(*value, "i", 0), 3.0);
  EXPECT_EQ(string_or(*value, "i", "text"), "text");
  EXPECT_TRUE(bool_or(*value, "b", false));
}

TEST(Json, WritesNumbersAsPeopleDo) {
  const json::value value = {
      {"a", 1.5}, {"b", json::array{-0.25, 3, 1e300, nullptr, true}}, {"c{", "x\"{"}, {"d", json::object()}};
  EXPECT_EQ(json_text(value), R"({"a":1.5,"b":[-0.25,3,1e+300,null,true],"c{":"x\"{","d":{}})");
  EXPECT_EQ(parse_json(json_text(value)).value(), value);
  EXPECT_EQ(json_text(json::value(INFINITY)), "null");
}

}  // namespace
}  // namespace ondol
