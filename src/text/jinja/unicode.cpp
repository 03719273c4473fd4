#include "text/jinja/unicode.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

namespace ondol::jinja {
namespace {

UChar32 icu(char32_t c) {
  return static_cast<UChar32>(c);
}

icu::UnicodeString to_icu(std::string_view text) {
  return icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
}

std::string from_icu(const icu::UnicodeString& text) {
  std::string result;
  text.toUTF8String(result);
  return result;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
char ascii_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

// The title-case form of one character; some have more than one letter (the ligature ffi becomes Ffi).
std::string title_of(char32_t c) {
  icu::UnicodeString text(icu(c));
  const icu::UnicodeString upper = icu::UnicodeString(text).toUpper(icu::Locale::getRoot());
  if (upper.countChar32() == 1) return encode(std::u32string(1, static_cast<char32_t>(u_totitle(icu(c)))));
  icu::UnicodeString rest = upper.tempSubString(upper.moveIndex32(0, 1));
  icu::UnicodeString first(upper.char32At(0));
  return from_icu(first.append(rest.toLower(icu::Locale::getRoot())));
}

bool ends_line(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const int extra = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || i + static_cast<size_t>(extra) >= text.size()) return false;
    char32_t c = lead & (0x3F >> extra);
    for (int k = 1; k <= extra; ++k) {
      const auto next = static_cast<unsigned char>(text[i + static_cast<size_t>(k)]);
      if ((next & 0xC0) != 0x80) return false;
      c = (c << 6) | (next & 0x3F);
    }
    if (extra == 2 && (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF))) return false;
    if (extra == 3 && (c < 0x10000 || c > 0x10FFFF)) return false;
    i += static_cast<size_t>(extra) + 1;
  }
  return true;
}

size_t count_code_points(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

size_t byte_offset(std::string_view text, size_t index) {
  size_t offset = 0;
  while (offset < text.size()) {
    if ((static_cast<unsigned char>(text[offset]) & 0xC0) != 0x80) {
      if (index == 0) return offset;
      --index;
    }
    ++offset;
  }
  return offset;
}

char32_t next_code_point(std::string_view text, size_t& offset) {
  const auto lead = static_cast<unsigned char>(text[offset++]);
  if (lead < 0x80) return lead;
  const int extra = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  char32_t c = lead & (0x3F >> extra);
  for (int k = 0; k < extra && offset < text.size(); ++k) {
    c = (c << 6) | (static_cast<unsigned char>(text[offset++]) & 0x3F);
  }
  return c;
}

void append_code_point(std::string& text, char32_t c) {
  if (c < 0x80) {
    text += static_cast<char>(c);
    return;
  }
  if (c < 0x800) {
    text += static_cast<char>(0xC0 | (c >> 6));
  } else {
    if (c < 0x10000) {
      text += static_cast<char>(0xE0 | (c >> 12));
    } else {
      text += static_cast<char>(0xF0 | (c >> 18));
      text += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    }
    text += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
  }
  text += static_cast<char>(0x80 | (c & 0x3F));
}

std::u32string decode(std::string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (size_t offset = 0; offset < text.size();) result += next_code_point(text, offset);
  return result;
}

std::string encode(std::u32string_view code_points) {
  std::string result;
  result.reserve(code_points.size());
  for (const char32_t c : code_points) append_code_point(result, c);
  return result;
}

bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  return c == 0x85 || u_charType(icu(c)) == U_SPACE_SEPARATOR || c == 0x2028 || c == 0x2029;
}

bool is_alpha(char32_t c) {
  return ((uint32_t{1} << u_charType(icu(c))) & U_GC_L_MASK) != 0;
}
bool is_decimal(char32_t c) {
  return u_charType(icu(c)) == U_DECIMAL_DIGIT_NUMBER;
}

bool is_digit(char32_t c) {
  const int type = u_getIntPropertyValue(icu(c), UCHAR_NUMERIC_TYPE);
  return type == U_NT_DECIMAL || type == U_NT_DIGIT;
}

bool is_numeric(char32_t c) {
  return u_getIntPropertyValue(icu(c), UCHAR_NUMERIC_TYPE) != U_NT_NONE;
}
bool is_alnum(char32_t c) {
  return is_alpha(c) || is_numeric(c);
}
bool is_lower(char32_t c) {
  return u_isULowercase(icu(c)) != 0;
}
bool is_upper(char32_t c) {
  return u_isUUppercase(icu(c)) != 0;
}
bool is_title(char32_t c) {
  return u_charType(icu(c)) == U_TITLECASE_LETTER;
}
bool is_cased(char32_t c) {
  return is_lower(c) || is_upper(c) || is_title(c);
}

bool is_printable(char32_t c) {
  if (c == ' ') return true;
  const uint32_t category = uint32_t{1} << u_charType(icu(c));
  return (category & (U_GC_C_MASK | U_GC_Z_MASK)) == 0;
}

bool is_word(char32_t c) {
  return c == '_' || is_alnum(c);
}
bool is_identifier_start(char32_t c) {
  return c == '_' || u_hasBinaryProperty(icu(c), UCHAR_XID_START) != 0;
}
bool is_identifier_part(char32_t c) {
  return c == '_' || u_hasBinaryProperty(icu(c), UCHAR_XID_CONTINUE) != 0;
}

std::string to_lower(std::string_view text) {
  if (!is_ascii(text)) return from_icu(to_icu(text).toLower(icu::Locale::getRoot()));
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), ascii_lower);
  return result;
}

std::string to_upper(std::string_view text) {
  if (!is_ascii(text)) return from_icu(to_icu(text).toUpper(icu::Locale::getRoot()));
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), ascii_upper);
  return result;
}

std::string to_fold(std::string_view text) {
  return from_icu(to_icu(text).foldCase());
}

std::string capitalize(std::string_view text) {
  if (text.empty()) return {};
  size_t offset = 0;
  const char32_t first = next_code_point(text, offset);
  return title_of(first) + to_lower(text.substr(offset));
}

std::string to_title(std::string_view text) {
  std::string result;
  bool in_word = false;
  for (size_t offset = 0; offset < text.size();) {
    const size_t begin = offset;
    const char32_t c = next_code_point(text, offset);
    result += in_word ? to_lower(text.substr(begin, offset - begin)) : title_of(c);
    in_word = is_cased(c);
  }
  return result;
}

std::string swap_case(std::string_view text) {
  std::string result;
  for (size_t offset = 0; offset < text.size();) {
    const size_t begin = offset;
    const char32_t c = next_code_point(text, offset);
    const std::string_view one = text.substr(begin, offset - begin);
    result += is_upper(c) ? to_lower(one) : is_lower(c) ? to_upper(one) : std::string(one);
  }
  return result;
}

std::string_view strip_left(std::string_view text, const CodePointTest& drop) {
  size_t offset = 0;
  while (offset < text.size()) {
    size_t next = offset;
    if (!drop(next_code_point(text, next))) break;
    offset = next;
  }
  return text.substr(offset);
}

std::string_view strip_right(std::string_view text, const CodePointTest& drop) {
  while (!text.empty()) {
    size_t begin = text.size() - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    size_t next = begin;
    if (!drop(next_code_point(text, next))) break;
    text = text.substr(0, begin);
  }
  return text;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  size_t start = 0;
  for (size_t offset = 0; offset < text.size();) {
    const size_t end = offset;
    const char32_t c = next_code_point(text, offset);
    if (!ends_line(c)) continue;
    if (c == '\r' && offset < text.size() && text[offset] == '\n') ++offset;
    lines.push_back(text.substr(start, (keep_ends ? offset : end) - start));
    start = offset;
  }
  if (start < text.size()) lines.push_back(text.substr(start));
  return lines;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  size_t start = std::string_view::npos;
  for (size_t offset = 0; offset < text.size();) {
    const size_t begin = offset;
    const bool space = is_space(next_code_point(text, offset));
    if (space && start != std::string_view::npos) words.push_back(text.substr(start, begin - start));
    if (space) {
      start = std::string_view::npos;
    } else if (start == std::string_view::npos) {
      start = begin;
    }
  }
  if (start != std::string_view::npos) words.push_back(text.substr(start));
  return words;
}

}  // namespace ondol::jinja
