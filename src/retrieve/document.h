// A document as parsers give it: its text, and where its parts lie.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace ondol {

/// A part that belongs together. Parts ascend and do not overlap.
struct TextBlock {
  enum class Kind { kParagraph, kHeading, kCode, kTable };
  size_t start = 0;  // bytes of the text
  size_t end = 0;
  Kind kind = Kind::kParagraph;
  int level = 0;  // of a heading: 1 is the highest
  int page = 0;   // from 1; 0: the format has no pages
};

struct Document {
  std::string text;  // UTF-8. Of a file that is UTF-8 itself, its bytes.
  std::vector<TextBlock> blocks;
  std::string title;
  /// What of the file is not in the text, as a sentence; empty: nothing is known to be missing.
  std::string missing;
};

}  // namespace ondol
