// Highlights: where a passage has the words that were searched for.
#pragma once

#include <string_view>
#include <vector>

#include "retrieve/byte_range.h"

namespace ondol {

/// Bytes of the text, ascending and apart: words with the stem of one of the question's, and in Hangul, Han and Kana
/// pairs of characters that it has (terms.h).
std::vector<ByteRange> highlights(std::string_view text, std::string_view question);

}  // namespace ondol
