// Where the sentences of a text are.
#pragma once

#include <string_view>
#include <vector>

#include "retrieve/byte_range.h"

namespace ondol {

/// Sentences, and what stands alone as they do: items of lists, rows, short lines. Without the white space around them.
/// Lines that were only wrapped are joined. They ascend and cover all that is not white space. Any bytes.
std::vector<ByteRange> sentences_of(std::string_view text);

}  // namespace ondol
