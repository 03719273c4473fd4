#include "text/scanners.h"

#include "text/unicode.h"

namespace ondol {
namespace {

/// One character under the cursor: its flags and length. At the end of the text both are 0.
struct Unit {
  uint32_t size = 0;
  uint8_t flags = 0;
  unsigned char ascii = 0;  // the character itself if it is ASCII, else 0
};

class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text), flags_(character_flags_table()) {}

  size_t size() const { return text_.size(); }

  Unit at(size_t offset) const {
    if (offset >= text_.size()) return {};
    const auto byte = static_cast<unsigned char>(text_[offset]);
    if (byte < 0x80) return {1, flags_[byte], byte};
    const auto* bytes = reinterpret_cast<const unsigned char*>(text_.data()) + offset;
    // The text is valid UTF-8, so the first byte says it all.
    if (byte < 0xE0) return {2, flags_[((byte & 0x1Fu) << 6) | (bytes[1] & 0x3Fu)], 0};
    if (byte < 0xF0) return {3, flags_[((byte & 0xFu) << 12) | ((bytes[1] & 0x3Fu) << 6) | (bytes[2] & 0x3Fu)], 0};
    const uint32_t code =
        ((byte & 7u) << 18) | ((bytes[1] & 0x3Fu) << 12) | ((bytes[2] & 0x3Fu) << 6) | (bytes[3] & 0x3Fu);
    return {4, flags_[code], 0};
  }

  /// End of the run of characters from `offset` on that have any flag of `mask`.
  size_t while_any(size_t offset, uint8_t mask) const {
    for (Unit unit = at(offset); (unit.flags & mask) != 0; unit = at(offset)) offset += unit.size;
    return offset;
  }

  /// End of the run of characters that have no flag of `mask`.
  size_t while_none(size_t offset, uint8_t mask) const {
    for (Unit unit = at(offset); unit.size != 0 && (unit.flags & mask) == 0; unit = at(offset)) offset += unit.size;
    return offset;
  }

  /// Lower-case ASCII letter at `offset`, or 0. U+017F, the long s, folds to s.
  char folded_letter(size_t offset, size_t& size) const {
    size = 1;
    if (offset >= text_.size()) return 0;
    const char c = text_[offset];
    if (c >= 'a' && c <= 'z') return c;
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c + 32);
    size = 2;
    return text_.substr(offset, 2) == "\xC5\xBF" ? 's' : 0;
  }

 private:
  std::string_view text_;
  const uint8_t* flags_;
};

/// End of 's 't 're 've 'm 'll 'd at `offset`, or `offset` if there is none.
template <bool kFoldCase>
size_t contraction(const Cursor& cursor, std::string_view text, size_t offset) {
  if (offset >= text.size() || text[offset] != '\'') return offset;
  size_t size1 = 1;
  size_t size2 = 1;
  char first = 0;
  char second = 0;
  if constexpr (kFoldCase) {
    first = cursor.folded_letter(offset + 1, size1);
    second = cursor.folded_letter(offset + 1 + size1, size2);
  } else {
    first = offset + 1 < text.size() ? text[offset + 1] : '\0';
    second = offset + 2 < text.size() ? text[offset + 2] : '\0';
  }
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return offset + 1 + size1;
  const bool two =
      (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l');
  return two ? offset + 1 + size1 + size2 : offset;
}

/// \s+(?!\S)|\s+ on the run of whitespace [begin, end): all of it at the end of the text, else all but its last
/// character, which goes with the word that follows.
size_t whitespace_end(std::string_view text, size_t begin, size_t end) {
  if (end == text.size()) return end;
  size_t last = end - 1;
  while ((static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
  return last > begin ? last : end;
}

/// As above, but with \s*[\r\n]+ tried first: the run up to and including its last newline, if it has one.
size_t newlines_or_whitespace_end(std::string_view text, size_t begin, size_t end) {
  for (size_t at = end; at > begin; --at) {
    if (text[at - 1] == '\n' || text[at - 1] == '\r') return at;
  }
  return whitespace_end(text, begin, end);
}

void push(std::vector<TextSpan>& words, size_t begin, size_t end) {
  words.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
}

/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
void scan_gpt2(std::string_view text, std::vector<TextSpan>& words) {
  const Cursor cursor(text);
  for (size_t begin = 0; begin < text.size();) {
    size_t end = contraction<false>(cursor, text, begin);
    if (end == begin) {
      const size_t body = text[begin] == ' ' ? begin + 1 : begin;
      const Unit unit = cursor.at(body);
      if (unit.flags & kFlagLetter) {
        end = cursor.while_any(body, kFlagLetter);
      } else if (unit.flags & kFlagNumber) {
        end = cursor.while_any(body, kFlagNumber);
      } else if (unit.size != 0 && (unit.flags & kFlagSpace) == 0) {
        end = cursor.while_none(body, kFlagSpace | kFlagLetter | kFlagNumber);
      } else {
        end = whitespace_end(text, begin, cursor.while_any(begin, kFlagSpace));
      }
    }
    push(words, begin, end);
    begin = end;
  }
}

template <int kMaxDigits>
size_t number_end(const Cursor& cursor, size_t begin) {
  size_t end = begin;
  for (int digits = 0; digits < kMaxDigits; ++digits) {
    const Unit unit = cursor.at(end);
    if ((unit.flags & kFlagNumber) == 0) break;
    end += unit.size;
  }
  return end;
}

/// What the patterns after GPT-2 share, from numbers on: \p{N}{1,n}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
/// `kNotSymbol` are the classes that end a run of symbols; `kSlash` lets "/" follow it as newlines do.
template <int kMaxDigits, uint8_t kNotSymbol, bool kSlash>
size_t number_symbols_or_space(const Cursor& cursor, std::string_view text, size_t begin) {
  const Unit first = cursor.at(begin);
  if (first.flags & kFlagNumber) return number_end<kMaxDigits>(cursor, begin);
  const size_t body = first.ascii == ' ' ? begin + 1 : begin;
  const Unit unit = cursor.at(body);
  if (unit.size != 0 && (unit.flags & kNotSymbol) == 0) {
    size_t end = cursor.while_none(body, kNotSymbol);
    while (end < text.size() && (text[end] == '\r' || text[end] == '\n' || (kSlash && text[end] == '/'))) ++end;
    return end;
  }
  if (first.flags & kFlagSpace) return newlines_or_whitespace_end(text, begin, cursor.while_any(begin, kFlagSpace));
  return begin + first.size;  // no alternative matches (a mark that was left over): it stands alone
}

/// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,n}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
/// with `kLetters` for \p{L} in the words (cl100k, Llama 3, Qwen).
template <int kMaxDigits, uint8_t kLetters>
void scan_cl100k(std::string_view text, std::vector<TextSpan>& words) {
  constexpr uint8_t kNotSymbol = kFlagSpace | kFlagNumber | kLetters;
  const Cursor cursor(text);
  for (size_t begin = 0; begin < text.size();) {
    size_t end = contraction<true>(cursor, text, begin);
    if (end == begin) {
      const Unit first = cursor.at(begin);
      const bool may_prefix = (first.flags & (kFlagNewline | kFlagLetter | kFlagNumber)) == 0;
      const size_t body = may_prefix ? begin + first.size : begin;
      if (cursor.at(body).flags & kLetters) {
        end = cursor.while_any(body, kLetters);
      } else if (first.flags & kLetters) {
        end = cursor.while_any(begin, kLetters);  // a mark with no letter after it begins a word itself
      } else {
        end = number_symbols_or_space<kMaxDigits, kNotSymbol, false>(cursor, text, begin);
      }
    }
    push(words, begin, end);
    begin = end;
  }
}

/// [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+ at `begin`, or `begin` if it does not match.
size_t capitalized_end(const Cursor& cursor, size_t begin) {
  size_t last_either = std::string_view::npos;  // end of the last character that is of both classes
  size_t at = begin;
  for (Unit unit = cursor.at(at); unit.flags & kFlagUpperOrNone; unit = cursor.at(at)) {
    at += unit.size;
    if (unit.flags & kFlagLowerOrNone) last_either = at;
  }
  const size_t end = cursor.while_any(at, kFlagLowerOrNone);
  if (end > at) return end;
  return last_either == std::string_view::npos ? begin : last_either;
}

/// o200k: words split before a capital that follows lower case, with or without contractions at their end.
///   P?U*L+C?|P?U+L*C?|\p{N}{1,n}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+   with P = [^\r\n\p{L}\p{N}]
template <int kMaxDigits, bool kContractions>
void scan_o200k(std::string_view text, std::vector<TextSpan>& words) {
  constexpr uint8_t kNotSymbol = kFlagSpace | kFlagLetter | kFlagNumber;
  const Cursor cursor(text);
  for (size_t begin = 0; begin < text.size();) {
    const Unit first = cursor.at(begin);
    const bool may_prefix = (first.flags & (kFlagNewline | kFlagLetter | kFlagNumber)) == 0;
    const size_t body = may_prefix ? begin + first.size : begin;
    size_t end = capitalized_end(cursor, body);
    bool word = end > body;
    if (!word && may_prefix) {
      end = capitalized_end(cursor, begin);
      word = end > begin;
    }
    if (!word) {
      // Only capitals remain: after a run of them no lower case can follow, or the first alternative had matched.
      end = cursor.while_any(body, kFlagUpperOrNone);
      word = end > body;
    }
    if (word) {
      if constexpr (kContractions) end = contraction<true>(cursor, text, end);
    } else {
      end = number_symbols_or_space<kMaxDigits, kNotSymbol, true>(cursor, text, begin);
    }
    push(words, begin, end);
    begin = end;
  }
}

struct Known {
  std::string_view pattern;
  Scanner scanner;
};

#define ONDOL_O200K_UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define ONDOL_O200K_LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define ONDOL_O200K_WORDS(contraction)                                            \
  R"([^\r\n\p{L}\p{N}]?)" ONDOL_O200K_UPPER "*" ONDOL_O200K_LOWER "+" contraction \
  R"(|[^\r\n\p{L}\p{N}]?)" ONDOL_O200K_UPPER "+" ONDOL_O200K_LOWER "*" contraction
#define ONDOL_O200K_REST R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"

constexpr uint8_t kL = kFlagLetter;
constexpr uint8_t kLM = kFlagLetter | kFlagMark;

constexpr Known kKnown[] = {
    {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", scan_gpt2},
    {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))", scan_gpt2},
    {R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", scan_gpt2},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     scan_cl100k<3, kL>},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     scan_cl100k<1, kL>},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     scan_cl100k<1, kLM>},
    {ONDOL_O200K_WORDS("(?i:'s|'t|'re|'ve|'m|'ll|'d)?") R"(|\p{N}{1,3})" ONDOL_O200K_REST, scan_o200k<3, true>},
    {ONDOL_O200K_WORDS("") R"(|\p{N})" ONDOL_O200K_REST, scan_o200k<1, false>},
};

#undef ONDOL_O200K_UPPER
#undef ONDOL_O200K_LOWER
#undef ONDOL_O200K_WORDS
#undef ONDOL_O200K_REST

}  // namespace

Scanner find_scanner(std::string_view pattern) {
  for (const Known& known : kKnown) {
    if (known.pattern == pattern) return known.scanner;
  }
  return nullptr;
}

std::vector<std::string_view> scanned_patterns() {
  std::vector<std::string_view> patterns;
  for (const Known& known : kKnown) patterns.push_back(known.pattern);
  return patterns;
}

}  // namespace ondol
