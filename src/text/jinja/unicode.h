// Text by code points, as Python's str sees it, over UTF-8 that is known to be valid.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ondol::jinja {

bool is_valid_utf8(std::string_view text);
size_t count_code_points(std::string_view text);

/// The byte at which code point `index` begins; the size of `text` when it has no more than `index`.
size_t byte_offset(std::string_view text, size_t index);

/// The code point that begins at `offset`, which moves behind it. `offset` must be below text.size().
char32_t next_code_point(std::string_view text, size_t& offset);

void append_code_point(std::string& text, char32_t code_point);
std::u32string decode(std::string_view text);
std::string encode(std::u32string_view code_points);

/// Python's str.isspace for one code point.
bool is_space(char32_t c);
bool is_alpha(char32_t c);
bool is_decimal(char32_t c);
bool is_digit(char32_t c);
bool is_numeric(char32_t c);
bool is_alnum(char32_t c);
bool is_lower(char32_t c);
bool is_upper(char32_t c);
bool is_title(char32_t c);
bool is_cased(char32_t c);
bool is_printable(char32_t c);
/// A character of a word, as in Python's regular expression \w.
bool is_word(char32_t c);
bool is_identifier_start(char32_t c);
bool is_identifier_part(char32_t c);

/// Full case mappings, which may change the length.
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
std::string to_fold(std::string_view text);
std::string capitalize(std::string_view text);
std::string to_title(std::string_view text);
std::string swap_case(std::string_view text);

/// Removes code points for which `drop` holds from the ends.
using CodePointTest = std::function<bool(char32_t)>;
std::string_view strip_left(std::string_view text, const CodePointTest& drop);
std::string_view strip_right(std::string_view text, const CodePointTest& drop);

/// Python's str.splitlines.
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);
/// The words between runs of whitespace.
std::vector<std::string_view> split_words(std::string_view text);

}  // namespace ondol::jinja
