#include "text/unicode.h"

#include <gtest/gtest.h>

namespace ondol {
namespace {

TEST(Unicode, DecodesStrictly) {
  EXPECT_EQ(decode_utf8("\xED\x95\x9C", 0).code, 0xD55Cu);
  EXPECT_EQ(decode_utf8("\xF0\x9F\x98\x80", 0).code, 0x1F600u);
  // Overlong, surrogate, above U+10FFFF, lone continuation, cut off.
  for (const char* bad :
       {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xF0\x9F\x98", "\xFF"}) {
    EXPECT_FALSE(decode_utf8(bad, 0).valid) << bad;
  }
  // The maximal subpart of the Unicode standard, table 3-8.
  EXPECT_EQ(decode_utf8("\xF1\x80\x80\xE1\x80\xC2", 0).size, 3u);
  EXPECT_EQ(replace_invalid_utf8("a\xF1\x80\x80\xE1\x80\xC2"
                                 "b\x80"
                                 "c\x80\xBF"
                                 "d"),
            "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd");
}

TEST(Unicode, EveryCharacterSurvivesEncodingAndDecoding) {
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    std::string text;
    append_utf8(text, code);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    const DecodedCharacter decoded = decode_utf8(text, 0);
    ASSERT_TRUE(decoded.valid);
    ASSERT_EQ(decoded.size, text.size());
    ASSERT_EQ(decoded.code, surrogate ? kReplacementCharacter : code);
  }
}

TEST(Unicode, UnfinishedSuffixIsWhatMoreBytesCouldComplete) {
  EXPECT_EQ(unfinished_utf8_suffix("abc"), 0u);
  EXPECT_EQ(unfinished_utf8_suffix("a\xED"), 1u);
  EXPECT_EQ(unfinished_utf8_suffix("a\xED\x95"), 2u);
  EXPECT_EQ(unfinished_utf8_suffix("a\xED\x95\x9C"), 0u);
  EXPECT_EQ(unfinished_utf8_suffix("\xF0\x9F\x98"), 3u);
  EXPECT_EQ(unfinished_utf8_suffix("\xED\xA0"), 0u);  // would be a surrogate
  EXPECT_EQ(unfinished_utf8_suffix("\x80\x80"), 0u);
  EXPECT_EQ(unfinished_utf8_suffix("\xFF"), 0u);
  EXPECT_EQ(unfinished_utf8_suffix(""), 0u);
}

TEST(Unicode, NormalForms) {
  EXPECT_EQ(normalize_unicode("e\u0301", NormalForm::kNfc), "\u00E9");
  EXPECT_EQ(normalize_unicode("\u00E9", NormalForm::kNfd), "e\u0301");
  EXPECT_EQ(normalize_unicode("\uFB01\u2460", NormalForm::kNfkc), "fi1");
  EXPECT_EQ(normalize_unicode("\u1112\u1161\u11AB", NormalForm::kNfc), "\uD55C");
  EXPECT_EQ(normalize_unicode("\uD55C", NormalForm::kNfkd), "\u1112\u1161\u11AB");
  EXPECT_EQ(normalize_unicode("plain", NormalForm::kNfd), "plain");
}

TEST(Unicode, CaseAndAccents) {
  EXPECT_EQ(lowercase("ABC \u00C9\u0130\u03A3"), "abc \u00E9i\u0307\u03C3");
  EXPECT_EQ(remove_marks(normalize_unicode("\u00E9\u00F1", NormalForm::kNfd)), "en");
}

TEST(Unicode, Classes) {
  EXPECT_TRUE(is_whitespace(0x3000));
  EXPECT_TRUE(is_whitespace(0x85));
  EXPECT_FALSE(is_whitespace(0x200B));
  EXPECT_FALSE(is_whitespace(0x180E));
  EXPECT_TRUE(is_numeric(0xBD));
  EXPECT_TRUE(is_punctuation(0x3002));
  EXPECT_FALSE(is_punctuation('$'));
  EXPECT_TRUE(is_ascii_punctuation('$'));
  EXPECT_TRUE(is_word('_'));
  EXPECT_FALSE(is_word('-'));
  EXPECT_EQ(character_flags(0xD55C), kFlagLetter | kFlagUpperOrNone | kFlagLowerOrNone);
  EXPECT_EQ(character_flags(0x110000), 0);
}

TEST(Unicode, DisplayWidth) {
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("\uC628\uB3CC"), 4);        // Hangul syllables are two columns wide
  EXPECT_EQ(display_width("\u1112\u1161\u11AB"), 2);  // the same as conjoining letters
  EXPECT_EQ(display_width("e\u0301"), 1);
  EXPECT_EQ(display_width("\u6F22\uFF21\u30AB"), 6);
  EXPECT_EQ(display_width("\U0001F600"), 2);
  EXPECT_EQ(display_width("a\tb\x1B"), 2);
  EXPECT_EQ(display_width("\u200D\uFE0F"), 0);
}

}  // namespace
}  // namespace ondol
