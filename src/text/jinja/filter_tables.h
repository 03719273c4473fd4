// The tables of filters, one per file: filters_text.cpp, filters_sequence.cpp, filters_number.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "text/jinja/filters.h"

namespace ondol::jinja {

struct Filter {
  std::string_view name;
  FilterFunction function;
};

std::span<const Filter> text_filters();
std::span<const Filter> sequence_filters();
std::span<const Filter> number_filters();

// Filters of a file's length.
std::string wrap_words(std::string_view line, int64_t width, bool break_long_words, bool break_on_hyphens,
                       std::string_view separator);
std::string pretty_print(const Value& value);

}  // namespace ondol::jinja
