// CodePointSet: sets of Unicode characters, and their encodings in UTF-8 and inside JSON strings as terms.
#pragma once

#include <string_view>
#include <vector>

#include "text/grammar/terms.h"

namespace ondol::grammar {

/// Ranges of code points, sorted, neither overlapping nor adjacent. Surrogates are never in a set.
class CodePointSet {
 public:
  struct Range {
    char32_t first;
    char32_t last;
  };

  CodePointSet() = default;
  CodePointSet(std::initializer_list<Range> ranges);

  static const CodePointSet& all();

  void add(char32_t first, char32_t last);
  void add(const CodePointSet& other);
  CodePointSet complement() const;
  CodePointSet intersection(const CodePointSet& other) const;
  CodePointSet minus(const CodePointSet& other) const { return intersection(other.complement()); }
  bool contains(char32_t code) const;
  bool empty() const { return ranges_.empty(); }
  const std::vector<Range>& ranges() const { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

/// One character of `set` in UTF-8.
TermId utf8_term(TermStore& terms, const CodePointSet& set);

/// Which of the ways to write a character in a JSON string are meant.
enum class JsonEscapes {
  kAll,    // every one
  kUsual,  // \uXXXX only for what is neither printable ASCII nor one of <>&'
};

/// One character of `set` as it stands inside a JSON string.
TermId json_character_term(TermStore& terms, const CodePointSet& set, JsonEscapes escapes);

}  // namespace ondol::grammar
