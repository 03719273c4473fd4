// Numbers that come to an end.
#include <gtest/gtest.h>

#include "text/grammar/grammar.h"
#include "text/grammar/matcher.h"

namespace ondol {
namespace {

bool accepts(const char* schema, std::string_view text) {
  const auto grammar = grammar_from_json_schema(parse_json(schema).value(), {.plain_numbers = true});
  EXPECT_TRUE(grammar.has_value()) << grammar.error().message();
  grammar::Matcher matcher(*grammar);
  auto at = matcher.start();
  for (const char byte : text) at = matcher.step(at, static_cast<uint8_t>(byte));
  return matcher.may_end(at);
}

TEST(PlainNumbers, HaveNoExponentsAndNeedlessZeros) {
  constexpr const char* kNumber = R"({"type": "number"})";
  constexpr const char* kInteger = R"({"type": "integer"})";
  for (const char* text : {"0", "-1", "42", "2.5", "-0.125"}) EXPECT_TRUE(accepts(kNumber, text)) << text;
  for (const char* text : {"1e3", "2.50", "1.0", "01", "1."}) EXPECT_FALSE(accepts(kNumber, text)) << text;
  for (const char* text : {"0", "-17", "123456789012345678901234567890"}) EXPECT_TRUE(accepts(kInteger, text)) << text;
  for (const char* text : {"1.0", "4e12", "1.5"}) EXPECT_FALSE(accepts(kInteger, text)) << text;
  EXPECT_FALSE(accepts(kInteger, std::string(40, '1')));
}

TEST(PlainNumbers, KeepToRangesAndConstants) {
  constexpr const char* kDays = R"({"type": "integer", "minimum": 1, "maximum": 7})";
  EXPECT_TRUE(accepts(kDays, "7"));
  EXPECT_FALSE(accepts(kDays, "8"));
  EXPECT_FALSE(accepts(kDays, "7.0"));
  EXPECT_TRUE(accepts(R"({"const": 1e40})", "1" + std::string(40, '0')))
      << "a number that is demanded is never refused";
}

}  // namespace
}  // namespace ondol
