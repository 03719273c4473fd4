// The texts that a model may answer with: that the documents do not say, or claims on a line each, with citations that
// name passages that there are and quote words that stand there.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "retrieve/answer/passages.h"
#include "text/grammar/grammar.h"

namespace ondol {

/// `Claim. [2 "words of passage 2"]`, up to five lines; or `decline`. Quotations are neighbouring words of one
/// sentence, as one_line() writes them.
Result<GrammarPtr> answer_grammar(std::span<const Passage> passages, const std::string& decline);

}  // namespace ondol
