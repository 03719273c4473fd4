#include "retrieve/sentences.h"

#include <algorithm>
#include <array>

#include "text/unicode.h"

namespace ondol {
namespace {

/// A shorter line was not wrapped: it ends because its author ended it. Columns.
constexpr int kShortLine = 45;

constexpr std::string_view kAbbreviations[] = {"al",  "approx", "ca",  "cf",   "co", "corp", "dept", "dr",  "ed", "e.g",
                                               "etc", "fig",    "i.e", "inc",  "jr", "ltd",  "mr",   "mrs", "ms", "no",
                                               "nos", "p",      "pp",  "prof", "sr", "st",   "vol",  "vs"};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

/// Of full stops in scripts that put no space behind them.
bool is_wide_stop(char32_t code) {
  return code == 0x3002 || code == 0xFF01 || code == 0xFF1F || code == 0xFF61;
}

bool is_stop(char32_t code) {
  return code == '.' || code == '!' || code == '?' || code == 0x2026 || is_wide_stop(code);
}

bool closes(char32_t code) {
  return code == '"' || code == '\'' || code == ')' || code == ']' || code == 0x2019 || code == 0x201D ||
         code == 0x300D || code == 0x300F || code == 0xBB;
}

/// Whether the full stop at `stop` only ends an abbreviation, an initial or a number of a list.
bool is_abbreviation(std::string_view text, size_t line, size_t stop) {
  size_t begin = stop;
  while (begin > line && !is_space(text[begin - 1]) && text[begin - 1] != '(') --begin;
  const std::string word = lowercase(text.substr(begin, stop - begin));
  if (word.empty()) return false;
  if (word.size() == 1 && word[0] >= 'a' && word[0] <= 'z') return true;
  const bool is_number = std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (is_number && text.substr(line, begin - line).find_first_not_of(" \t") == std::string_view::npos) return true;
  return std::find(std::begin(kAbbreviations), std::end(kAbbreviations), word) != std::end(kAbbreviations);
}

bool begins_item(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t");
  if (first == line.npos) return true;
  const std::string_view rest = line.substr(first);
  for (const std::string_view mark : {"- ", "* ", "+ ", "#", "|", "> ", "\xE2\x80\xA2", "\xC2\xB7", "\xE3\x86\x8D"}) {
    if (rest.starts_with(mark)) return true;
  }
  const size_t digits = rest.find_first_not_of("0123456789");
  return digits != rest.npos && digits > 0 && digits < 4 && (rest[digits] == '.' || rest[digits] == ')') &&
         digits + 1 < rest.size() && rest[digits + 1] == ' ';
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::vector<ByteRange> split() {
    for (size_t i = 0; i < text_.size();) {
      if (text_[i] == '\n') {
        if (line_ends_sentence(i)) end(i);
        line_ = ++i;
        continue;
      }
      const DecodedCharacter c = decode_utf8(text_, i);
      i += c.size;
      if (is_stop(c.code)) i = after_stop(i, c);
    }
    end(text_.size());
    return std::move(spans_);
  }

 private:
  bool line_ends_sentence(size_t newline) const {
    const size_t next = std::min(text_.find('\n', newline + 1), text_.size());
    const std::string_view following = text_.substr(newline + 1, next - newline - 1);
    const std::string_view own = text_.substr(line_, newline - line_);
    if (begins_item(following) || own.starts_with('#') || own.starts_with('|')) return true;
    const char first = following[following.find_first_not_of(" \t")];
    const bool goes_on = first >= 'a' && first <= 'z' && own.find(':') == own.npos;
    return !goes_on && display_width(own) < kShortLine;
  }

  /// Behind a stop at `i`: ends the sentence where one ends.
  size_t after_stop(size_t i, const DecodedCharacter& stop) {
    const size_t place = i - stop.size;
    bool is_wide = is_wide_stop(stop.code);
    while (i < text_.size()) {
      const DecodedCharacter c = decode_utf8(text_, i);
      if (!is_stop(c.code) && !closes(c.code)) break;
      is_wide = is_wide || is_wide_stop(c.code);
      i += c.size;
    }
    if (is_wide || i == text_.size()) {
      end(i);
      return i;
    }
    if (!is_space(text_[i])) return i;
    const size_t next = text_.find_first_not_of(" \t\r\n", i);
    // Texts without capitals mostly have a space before the stop, too.
    const bool stands_apart = place > 0 && is_space(text_[place - 1]);
    const bool goes_on = next != text_.npos && text_[next] >= 'a' && text_[next] <= 'z' && !stands_apart;
    if (goes_on || (stop.code == '.' && i == place + 1 && is_abbreviation(text_, line_, place))) return i;
    end(i);
    return i;
  }

  void end(size_t at) {
    size_t start = start_, stop = at;
    while (start < stop && is_space(text_[start])) ++start;
    while (stop > start && is_space(text_[stop - 1])) --stop;
    if (stop > start) spans_.push_back({start, stop});
    start_ = at;
  }

  std::string_view text_;
  size_t start_ = 0;
  size_t line_ = 0;
  std::vector<ByteRange> spans_;
};

}  // namespace

std::vector<ByteRange> sentences_of(std::string_view text) {
  return Splitter(text).split();
}

}  // namespace ondol
