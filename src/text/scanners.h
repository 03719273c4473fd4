// Scanners: hand-written equivalents of the regular expressions that nearly all byte-level tokenizers use. They cut the
// whole text into words several times faster than a regular expression engine does.
#pragma once

#include <string_view>
#include <vector>

#include "text/regex.h"

namespace ondol {

/// Appends the words of `text` (valid UTF-8), which cover all of it, in order.
using Scanner = void (*)(std::string_view text, std::vector<TextSpan>& words);

/// The scanner that cuts exactly as splitting by `pattern` (matches isolated) does; nullptr if there is none.
Scanner find_scanner(std::string_view pattern);

/// Patterns that have a scanner, as tokenizer.json files write them; for tests.
std::vector<std::string_view> scanned_patterns();

}  // namespace ondol
