// The hand-written scanners must cut exactly where the regular expressions that they stand for do.
#include "text/scanners.h"

#include <gtest/gtest.h>

#include <random>

#include "text/named_pre_tokenizers.h"
#include "text/pre_tokenizer.h"
#include "text/unicode.h"

namespace ondol {
namespace {

/// Matches and what lies between them, empty ones left out: what splitting with matches isolated gives.
std::vector<std::string> words_by_regex(const Regex& regex, const std::string& text) {
  std::vector<TextSpan> matches;
  regex.find_all(text, matches);
  std::vector<std::string> words;
  uint32_t from = 0;
  for (const TextSpan& match : matches) {
    if (match.begin > from) words.push_back(text.substr(from, match.begin - from));
    if (match.end > match.begin) words.push_back(text.substr(match.begin, match.end - match.begin));
    from = match.end;
  }
  if (from < text.size()) words.push_back(text.substr(from));
  return words;
}

std::vector<std::string> words_by_scanner(Scanner scanner, const std::string& text) {
  std::vector<TextSpan> spans;
  scanner(text, spans);
  std::vector<std::string> words;
  for (const TextSpan& span : spans) words.push_back(text.substr(span.begin, span.end - span.begin));
  return words;
}

std::string random_text(std::mt19937& random) {
  const char32_t interesting[] = {' ',    ' ',    ' ',     '\n',  '\r',   '\t',   '\'',  '\'',  's',    't',
                                  'r',    'e',    'L',     'l',   'v',    'A',    'z',   '0',   '9',    '.',
                                  '/',    '!',    0x17F,   0x301, 0xE9,   0xC9,   0x1C5, 0x2B0, 0xD55C, 0x6F22,
                                  0xBD,   0x661,  0x3000,  0xA0,  0x85,   0x200B, 0x94D, 0x905, 0x2028, 0x1F600,
                                  0x300C, 0x24B6, 0x10400, 0x5F,  0x212A, 0x180E};
  std::string text;
  const int length = std::uniform_int_distribution<int>(0, 24)(random);
  for (int i = 0; i < length; ++i) {
    if (random() % 8 == 0) {
      // ICU and PCRE2 may know different versions of Unicode: only characters that both know.
      const auto code = static_cast<char32_t>(random() % 0x3000);
      append_utf8(text, is_in_unicode_8(code) ? code : U' ');
    } else {
      append_utf8(text, interesting[random() % std::size(interesting)]);
    }
  }
  return text;
}

TEST(Scanners, CutWhereTheirPatternsDo) {
  ASSERT_GE(scanned_patterns().size(), 6u);
  for (const std::string_view pattern : scanned_patterns()) {
    const auto regex = Regex::compile(pattern);
    ASSERT_TRUE(regex) << regex.error().message();
    const Scanner scanner = find_scanner(pattern);
    ASSERT_NE(scanner, nullptr);
    std::mt19937 random(1);
    for (int i = 0; i < 6000; ++i) {
      const std::string text = random_text(random);
      ASSERT_EQ(words_by_scanner(scanner, text), words_by_regex(*regex, text)) << pattern << '\n' << '[' << text << ']';
    }
  }
}

TEST(Scanners, UnknownPatternsHaveNone) {
  EXPECT_EQ(find_scanner("\\w+"), nullptr);
}

TEST(NamedPreTokenizers, EveryNameCoversTheText) {
  EXPECT_GT(named_pre_tokenizers().size(), 85u);
  std::mt19937 random(2);
  for (const std::string_view name : named_pre_tokenizers()) {
    const auto named = find_named_pre_tokenizer(name);
    ASSERT_TRUE(named) << named.error().message();
    const auto pre_tokenizer = PreTokenizer::create(named->steps, !named->on_characters);
    ASSERT_TRUE(pre_tokenizer) << name << ": " << pre_tokenizer.error().message();
    if (name == "whitespace") continue;  // drops what lies between words
    for (int i = 0; i < 50; ++i) {
      const std::string text = random_text(random) + "x";
      std::string rewritten = text;
      std::vector<TextSpan> words;
      pre_tokenizer->cut(rewritten, true, words);
      EXPECT_EQ(rewritten, text);
      uint32_t at = 0;
      for (const TextSpan& word : words) {
        EXPECT_EQ(word.begin, at);
        EXPECT_GT(word.end, word.begin);
        at = word.end;
      }
      EXPECT_EQ(at, text.size()) << name;
    }
  }
}

TEST(NamedPreTokenizers, AnUnknownNameIsRefusedWithTheKnownOnes) {
  const auto named = find_named_pre_tokenizer("no-such-model");
  ASSERT_FALSE(named);
  EXPECT_NE(named.error().message().find("no-such-model"), std::string::npos);
  EXPECT_NE(named.error().message().find("qwen2"), std::string::npos);
}

TEST(NamedPreTokenizers, CutsAsTheFamilyDoes) {
  const auto cut = [](std::string_view name, std::string text) {
    const auto named = find_named_pre_tokenizer(name);
    const auto pre_tokenizer = PreTokenizer::create(named->steps, true);
    std::vector<TextSpan> words;
    pre_tokenizer->cut(text, true, words);
    std::vector<std::string> out;
    for (const TextSpan& word : words) out.push_back(text.substr(word.begin, word.end - word.begin));
    return out;
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(cut("llama-bpe", "a 12345"), (Words{"a", " ", "123", "45"}));
  EXPECT_EQ(cut("qwen2", "a 123"), (Words{"a", " ", "1", "2", "3"}));
  EXPECT_EQ(cut("gpt-2", "a 12345  b"), (Words{"a", " 12345", " ", " b"}));
  EXPECT_EQ(cut("gpt-4o", "HelloWorld it'S"), (Words{"Hello", "World", " it'S"}));
  EXPECT_EQ(cut("afmoe", "1234567"), (Words{"1", "234", "567"}));
  EXPECT_EQ(cut("superbpe", "1234567"), (Words{"1", "234", "567"}));
  EXPECT_EQ(cut("kimi-k2", "x\u6F22\u5B57y"), (Words{"x", "\u6F22\u5B57", "y"}));
  EXPECT_EQ(cut("starcoder", "a12"), (Words{"a", "1", "2"}));
}

TEST(Regex, ReadsPatternsAsOnigurumaDoes) {
  EXPECT_EQ(translate_oniguruma("\\p{N}{1,3}+"), "(?:\\p{N}{1,3})+");
  EXPECT_EQ(translate_oniguruma("[a&&[^b]]+"), "(?:(?![b])[a])+");
  EXPECT_EQ(translate_oniguruma("[a[bc]d]"), "[abcd]");
  EXPECT_EQ(translate_oniguruma("\\u00e9"), "\\x{00e9}");
  const auto space = Regex::compile("\\s");
  std::vector<TextSpan> matches;
  space->find_all("a\u180Eb\u3000c\u0085", matches);
  EXPECT_EQ(matches.size(), 2u);  // U+180E is no space
}

TEST(Regex, BadAndHostilePatterns) {
  EXPECT_FALSE(Regex::compile("(unclosed"));
  EXPECT_FALSE(Regex::compile("[a"));
  EXPECT_FALSE(Regex::compile("\xFF"));
  EXPECT_FALSE(Regex::compile(std::string(100000, 'a')));
  // Exponential backtracking is cut off.
  const auto hostile = Regex::compile("(a+)+$x");
  ASSERT_TRUE(hostile);
  std::vector<TextSpan> matches;
  std::string subject(200, 'a');
  subject.push_back('b');
  hostile->find_all(subject, matches);
  EXPECT_TRUE(matches.empty());
}

}  // namespace
}  // namespace ondol
