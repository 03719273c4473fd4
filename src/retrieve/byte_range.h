// A part of a text, by its bytes.
#pragma once

#include <cstddef>
#include <string_view>

namespace ondol {

struct ByteRange {
  size_t start = 0;  // bytes
  size_t end = 0;
  size_t size() const { return end - start; }
  std::string_view of(std::string_view text) const { return text.substr(start, end - start); }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

}  // namespace ondol
