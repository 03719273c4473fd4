// Text files of all ages.
#include "retrieve/encoding.h"

#include <gtest/gtest.h>

namespace ondol {
namespace {

TEST(Encoding, Utf8StaysAsItIs) {
  const std::string text = "\xED\x95\x9C\xEA\xB5\xAD\xEC\x96\xB4 text\r\n";
  EXPECT_EQ(text_as_utf8(text).value(), text);
}

TEST(Encoding, MarksTell) {
  EXPECT_EQ(text_as_utf8(std::string("\xFF\xFE\x61\x00\x5C\xD5", 6)).value(), "a\xED\x95\x9C");
  EXPECT_EQ(text_as_utf8(std::string("\xFE\xFF\x00\x61\xD5\x5C", 6)).value(), "a\xED\x95\x9C");
}

TEST(Encoding, KoreanOfTheNineties) {
  // "한국어 문서입니다. 오늘은 날씨가 맑습니다." in EUC-KR.
  const std::string old =
      "\xC7\xD1\xB1\xB9\xBE\xEE \xB9\xAE\xBC\xAD\xC0\xD4\xB4\xCF\xB4\xD9. "
      "\xBF\xC0\xB4\xC3\xC0\xBA \xB3\xAF\xBE\xBE\xB0\xA1 \xB8\xBC\xBD\xC0\xB4\xCF\xB4\xD9.";
  EXPECT_EQ(text_as_utf8(old).value().substr(0, 9), "\xED\x95\x9C\xEA\xB5\xAD\xEC\x96\xB4");
}

TEST(Encoding, WhatIsNoTextIsRefused) {
  EXPECT_FALSE(
      text_as_utf8(std::string("\x7F"
                               "ELF\x02\x01\x00\x00",
                               8)));
}

}  // namespace
}  // namespace ondol
