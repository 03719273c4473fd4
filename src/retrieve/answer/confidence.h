// Confidence: whether documents are about a question at all, told by the search alone.
//
// The measure is how near the best piece comes to the question by its words (DocumentStore::closeness): rare words that
// no piece has, or none has together, weigh most. Few words stand together by chance more often than many, so
// short questions need more of theirs. The constants were set on halves of collections and measured on the others
// (docs/grounding.md); they differ for words and for pairs of syllables, whose scores have another shape.
#pragma once

#include <span>

#include "retrieve/lexical_index.h"

namespace ondol {

/// What a question with these terms needs; nearer is better. A question without terms needs more than there is.
double least_closeness(std::span<const WeightedTerm> terms);

}  // namespace ondol
