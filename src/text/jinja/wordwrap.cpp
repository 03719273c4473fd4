// The wordwrap filter: Python's textwrap, which breaks at spaces and behind hyphens inside words.
#include "text/jinja/convert.h"
#include "text/jinja/filter_tables.h"
#include "text/jinja/unicode.h"

namespace ondol::jinja {
namespace {

bool is_blank(char32_t c) { return c == ' ' || (c >= 0x09 && c <= 0x0D); }
bool is_letter(char32_t c) { return is_word(c) && !is_decimal(c); }
bool ends_before_dash(char32_t c) { return is_word(c) || std::u32string_view(U"!\"'&.,?").find(c) != std::u32string_view::npos; }

// How many dashes stand at `i`.
size_t dashes(std::u32string_view text, size_t i) {
  size_t end = i;
  while (end < text.size() && text[end] == '-') ++end;
  return end - i;
}

// A dash of two or more characters between words is a chunk of its own.
bool is_em_dash(std::u32string_view text, size_t i) {
  const size_t n = dashes(text, i);
  return n >= 2 && i > 0 && ends_before_dash(text[i - 1]) && i + n < text.size() && is_word(text[i + n]);
}

// Whether a word may be broken behind the hyphen at `i`: letters on both sides, at least two before it.
bool breaks_behind(std::u32string_view text, size_t i) {
  const auto letter = [&](size_t at) { return at < text.size() && is_letter(text[at]); };
  const bool before = i >= 2 && letter(i - 1) && (letter(i - 2) || (text[i - 2] == '-' && i >= 3 && letter(i - 3)));
  const bool after = letter(i + 1) && (letter(i + 2) || (i + 2 < text.size() && text[i + 2] == '-' && letter(i + 3)));
  return before && after;
}

size_t chunk_end(std::u32string_view text, size_t i, bool break_on_hyphens) {
  const bool blank = is_blank(text[i]);
  if (break_on_hyphens && is_em_dash(text, i)) return i + dashes(text, i);
  for (size_t end = i + 1; end < text.size(); ++end) {
    if (is_blank(text[end]) != blank) return end;
    if (blank || !break_on_hyphens) continue;
    if (text[end - 1] == '-' && end - 1 > i && breaks_behind(text, end - 1)) return end;
    if (is_em_dash(text, end)) return end;
  }
  return text.size();
}

bool is_all_blank(std::u32string_view chunk) { return std::all_of(chunk.begin(), chunk.end(), is_space); }

}  // namespace

std::string wrap_words(std::string_view line, int64_t width, bool break_long_words, bool break_on_hyphens, std::string_view separator) {
  const std::u32string text = decode(line);
  const auto limit = static_cast<size_t>(width);
  std::vector<std::u32string_view> chunks;
  for (size_t i = 0; i < text.size();) {
    const size_t end = chunk_end(text, i, break_on_hyphens);
    chunks.push_back(std::u32string_view(text).substr(i, end - i));
    i = end;
  }
  TextBuilder out;
  bool any_line = false;
  for (size_t next = 0; next < chunks.size();) {
    if (any_line && is_all_blank(chunks[next])) ++next;
    std::vector<std::u32string_view> row;
    size_t size = 0;
    while (next < chunks.size() && size + chunks[next].size() <= limit) {
      size += chunks[next].size();
      row.push_back(chunks[next++]);
    }
    if (next < chunks.size() && chunks[next].size() > limit) {
      const size_t space = limit > size ? limit - size : 0;
      std::u32string_view& chunk = chunks[next];
      if (break_long_words) {
        size_t n = std::max<size_t>(space, row.empty() ? 1 : 0);
        const size_t hyphen = break_on_hyphens && chunk.size() > n ? chunk.substr(0, n).rfind(U'-') : std::u32string_view::npos;
        const bool word_before = hyphen != std::u32string_view::npos && hyphen > 0 &&
                                 chunk.substr(0, hyphen).find_first_not_of(U'-') != std::u32string_view::npos;
        if (word_before) n = hyphen + 1;
        if (n > 0) row.push_back(chunk.substr(0, n));
        chunk.remove_prefix(n);
      } else if (row.empty()) {
        row.push_back(chunks[next++]);
      }
    }
    if (!row.empty() && is_all_blank(row.back())) row.pop_back();
    if (row.empty()) continue;
    if (any_line) out.append(separator);
    any_line = true;
    for (const std::u32string_view part : row) out.append(encode(part));
  }
  return out.take();
}

}  // namespace ondol::jinja
