// Searching, splitting and laying out text, for the methods of str and the text filters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/value.h"

namespace ondol::jinja {

// Splits: at most `limit` times, or without limit if it is negative. An empty separator is a Failure.
std::vector<std::string_view> split_at(std::string_view text, std::string_view separator, int64_t limit);
std::vector<std::string_view> split_at_from_right(std::string_view text, std::string_view separator, int64_t limit);
std::vector<std::string_view> split_at_spaces(std::string_view text, int64_t limit);
std::vector<std::string_view> split_at_spaces_from_right(std::string_view text, int64_t limit);

/// How often `needle` occurs without overlap; an empty one occurs between all characters.
size_t count_text(std::string_view text, std::string_view needle);
/// Replaces the first `limit` occurrences, or all if it is negative.
std::string replace_text(std::string_view text, std::string_view old_text, std::string_view new_text, int64_t limit);

/// Text in a field of `width` characters, as str.center, str.ljust and str.rjust lay it out.
std::string center_text(const Text& text, int64_t width, std::string_view fill);
std::string pad_text(const Text& text, int64_t width, std::string_view fill, bool behind);

/// Python's islower and isupper: some cased character, and none of the other case.
bool is_lower_text(std::string_view text);
bool is_upper_text(std::string_view text);

}  // namespace ondol::jinja
