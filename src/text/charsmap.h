// Charsmap: SentencePiece's compiled normalisation rules ("precompiled_charsmap"): a double-array trie (Darts) of what
// is replaced, then the replacements as NUL-terminated strings.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ondol {

class Charsmap {
 public:
  /// No rules.
  Charsmap() = default;

  /// Layout: u32 little-endian size of the trie in bytes, the trie as u32 units, the strings.
  static Result<Charsmap> parse(std::string_view blob);

  bool empty() const { return units_.empty(); }

  struct Match {
    size_t size = 0;  // bytes of the input that the rule takes; 0 = no rule applies
    std::string_view replacement;
  };

  /// The longest (or shortest) rule that `text` starts with.
  Match longest(std::string_view text) const { return find(text, false); }
  Match shortest(std::string_view text) const { return find(text, true); }

 private:
  Match find(std::string_view text, bool stop_at_first) const;

  std::vector<uint32_t> units_;
  std::string strings_;
};

}  // namespace ondol
