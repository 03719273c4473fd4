// Regular expressions in ECMA-262's syntax (with the u flag's reading of escapes, as JSON Schema asks for) as terms.
//
// Look-around, back-references, word boundaries, inline flags and anchors inside repetitions are refused by name. Lazy
// quantifiers describe the same language as greedy ones.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "text/grammar/code_points.h"

namespace ondol::grammar {

/// How one character of a set is written.
using CharacterTerm = std::function<TermId(const CodePointSet&)>;

enum class RegexMeaning {
  kWholeText,  // the text matches from its beginning to its end
  kSearch,     // some part of the text matches, as JSON Schema's `pattern` means it
};

Result<TermId> regex_term(TermStore& terms, std::string_view pattern, RegexMeaning meaning,
                          const CharacterTerm& character);

}  // namespace ondol::grammar
