// A part of a text.
#pragma once

#include <cstddef>
#include <string_view>

namespace ondol {

struct TextSpan {
  size_t start = 0;  // bytes
  size_t end = 0;
  size_t size() const { return end - start; }
  std::string_view of(std::string_view text) const { return text.substr(start, end - start); }
  friend bool operator==(const TextSpan&, const TextSpan&) = default;
};

}  // namespace ondol
