// Expansion: words that the best pieces share are added to a question (pseudo relevance feedback; Lavrenko and Croft,
// 2001: relevance models, mixed with the question as RM3 does).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "retrieve/lexical_index.h"

namespace ondol {

/// How many of the best pieces are read.
constexpr size_t kFeedbackChunks = 5;

struct FeedbackText {
  std::string text;
  double score = 0;
};

/// Whether a question gains by it. Pairs of syllables are not words, and questions that have them mostly name what they
/// look for.
bool may_expand(std::span<const WeightedTerm> question);

/// The question's terms, and a few words that stand in more than one of these texts.
Result<std::vector<WeightedTerm>> expand(std::vector<WeightedTerm> question, std::span<const FeedbackText> texts,
                                         LexicalIndex& index);

}  // namespace ondol
