#include "retrieve/answer/facts.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "text/unicode.h"

namespace ondol {
namespace {

constexpr std::string_view kNumberWords[] = {"one",   "two",   "three", "four", "five",   "six",
                                             "seven", "eight", "nine",  "ten",  "eleven", "twelve"};
constexpr std::string_view kDenials[] = {"not",    "no",      "never", "none",    "nothing", "without",
                                         "cannot", "neither", "nor",   "nowhere", "nobody"};
constexpr std::string_view kKoreanDenials[] = {
    "\xEC\x95\x8A",          // anh-
    "\xEC\x95\x84\xEB\x8B",  // ani-, anin (by their common bytes)
    "\xEC\x97\x86",          // eops-
    "\xEB\xAA\xBB",          // mot
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct Word {
  std::string_view text;
  size_t start = 0;
  size_t end = 0;
};

bool is_letter(char32_t code) {
  return (character_flags(code) & (kFlagLetter | kFlagMark)) != 0;
}

/// The run of letters that begins at `start`, apostrophes inside included.
Word word_at(std::string_view text, size_t start) {
  size_t end = start;
  while (end < text.size()) {
    const DecodedCharacter c = decode_utf8(text, end);
    const bool is_inner = c.code == '\'' && end > start && end + 1 < text.size() && end + c.size < text.size() &&
                          is_letter(decode_utf8(text, end + c.size).code);
    if (!is_letter(c.code) && !is_inner) break;
    end += c.size;
  }
  return {text.substr(start, end - start), start, end};
}

std::string plain_digits(std::string_view digits) {
  std::string value;
  for (const char c : digits) {
    if (c != ',') value += c;
  }
  if (const size_t point = value.find('.'); point != value.npos) {
    value.erase(value.find_last_not_of('0') + 1);
    if (value.ends_with('.')) value.pop_back();
  }
  const size_t first = std::min(value.find_first_not_of('0'), value.size() - 1);
  return first > 0 && first < value.size() && value[first] != '.' ? value.substr(first) : value;
}

/// Digits from `start` on, with separators between digits.
size_t end_of_digits(std::string_view text, size_t start) {
  size_t end = start;
  while (end < text.size()) {
    const bool separates = (text[end] == ',' || text[end] == '.') && end + 1 < text.size() && is_digit(text[end + 1]);
    if (!is_digit(text[end]) && !separates) break;
    ++end;
  }
  return end;
}

bool is_hangul(char32_t code) {
  return code >= 0xAC00 && code <= 0xD7A3;
}

/// What is counted: a sign, the first syllable behind, or a word without the s of the plural.
std::string unit_at(std::string_view text, size_t place) {
  while (place < text.size() && (text[place] == ' ' || text[place] == '-')) ++place;
  if (place >= text.size()) return "";
  const DecodedCharacter c = decode_utf8(text, place);
  if (c.code == '%' || is_hangul(c.code) || is_cjk_ideograph(c.code)) return std::string(text.substr(place, c.size));
  std::string unit = lowercase(word_at(text, place).text);
  if (unit.size() > 3 && unit.ends_with('s')) unit.pop_back();
  return unit;
}

bool is_large(char32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z';
  const uint8_t flags = character_flags(code);
  return (flags & kFlagLetter) != 0 && (flags & kFlagUpperOrNone) != 0 && (flags & kFlagLowerOrNone) == 0;
}

/// Calls for each word and each run of digits in order.
template <typename OnWord, typename OnDigits>
void read(std::string_view text, const OnWord& on_word, const OnDigits& on_digits) {
  for (size_t i = 0; i < text.size();) {
    const DecodedCharacter c = decode_utf8(text, i);
    if (is_digit(text[i])) {
      const size_t end = end_of_digits(text, i);
      on_digits(i, end);
      i = end;
    } else if (is_letter(c.code)) {
      const Word word = word_at(text, i);
      on_word(word);
      i = word.end;
    } else {
      i += c.size;
    }
  }
}

}  // namespace

std::vector<Number> numbers_of(std::string_view text) {
  std::vector<Number> numbers;
  read(
      text,
      [&](const Word& word) {
        const auto known = std::find(std::begin(kNumberWords), std::end(kNumberWords), lowercase(word.text));
        if (known == std::end(kNumberWords)) return;
        numbers.push_back({std::to_string(known - std::begin(kNumberWords) + 1), unit_at(text, word.end), true});
      },
      [&](size_t start, size_t end) {
        numbers.push_back({plain_digits(text.substr(start, end - start)), unit_at(text, end), false});
      });
  return numbers;
}

std::set<std::string> number_values(std::string_view text) {
  std::set<std::string> values;
  for (Number& number : numbers_of(text)) values.insert(std::move(number.value));
  return values;
}

std::vector<std::string> names_of(std::string_view text) {
  std::vector<std::string> names;
  bool is_first = true;
  const bool is_korean = std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0xEA && byte <= 0xED;  // Hangul syllables begin so
  });
  read(
      text,
      [&](const Word& word) {
        const bool was_first = std::exchange(is_first, false);
        if (!is_large(decode_utf8(word.text, 0).code) || (was_first && !is_korean)) return;
        if (word.text == "I") return;
        names.push_back(lowercase(word.text));
      },
      [&](size_t, size_t) { is_first = false; });
  return names;
}

int n_denials(std::string_view text) {
  int n = 0;
  for (const std::string_view denial : kKoreanDenials) {
    for (size_t at = text.find(denial); at != text.npos; at = text.find(denial, at + denial.size())) ++n;
  }
  read(
      text,
      [&](const Word& word) {
        const std::string lower = lowercase(word.text);
        const bool denies = lower.ends_with("n't") || lower.ends_with("n\xE2\x80\x99t") ||
                            std::find(std::begin(kDenials), std::end(kDenials), lower) != std::end(kDenials);
        n += denies ? 1 : 0;
      },
      [](size_t, size_t) {});
  return n;
}

}  // namespace ondol
