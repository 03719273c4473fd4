// Regex: PCRE2 with JIT and Unicode for the patterns of pre-tokenisers.
//
// Patterns are written for Oniguruma (Ruby syntax), as in tokenizer.json; what the two engines read differently (\s,
// \w, \h, \u1234, {1,3}+, class intersections) is rewritten before compiling. Patterns come from downloaded files:
// matching is bounded, and a text on which a bound is hit counts as not matched from there on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ondol {

/// A piece of a text: byte offsets of its begin and end.
struct TextSpan {
  uint32_t begin = 0;
  uint32_t end = 0;
};

class Regex {
 public:
  static Result<Regex> compile(std::string_view pattern);

  /// Appends the matches in `text` (valid UTF-8, below 4 GiB) from left to right; matches may be empty.
  void find_all(std::string_view text, std::vector<TextSpan>& matches) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

/// The pattern as PCRE2 has to read it.
std::string translate_oniguruma(std::string_view pattern);

}  // namespace ondol
