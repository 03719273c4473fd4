// Segments as people read them: targets between U+27E6 and U+27E7.
#pragma once

#include <string>

#include "text/tokenizer.h"
#include "train/data/segment.h"

namespace ondol::train {

inline std::string show(const Segment& segment, const Tokenizer& tokenizer) {
  std::string text, piece;
  bool is_target = false;
  for (size_t i = 0; i < segment.tokens.size(); ++i) {
    if (static_cast<bool>(segment.is_target[i]) != is_target) text += is_target ? "\u27E7" : "\u27E6";
    is_target = static_cast<bool>(segment.is_target[i]);
    text += tokenizer.piece(segment.tokens[i], true);
  }
  return text + (is_target ? "\u27E7" : "");
}

}  // namespace ondol::train
