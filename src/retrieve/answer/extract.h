// Extraction: the sentences of passages that answer a question best, without a model.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "retrieve/answer/passages.h"
#include "retrieve/lexical_index.h"

namespace ondol {

struct ExtractedSentence {
  size_t passage = 0;
  ByteRange span;
  double score = 0;  // the share of the question's terms that it answers to, and a little more
};

/// The best n at most, the best first, which are nearly as good as the best one. `terms` are the question's, weighing
/// how much each tells (DocumentStore::terms_of). A sentence counts with its own terms, and less with those of its
/// headings and neighbours; one with a number counts more where the question asks for one.
std::vector<ExtractedSentence> extract(std::string_view question, std::span<const WeightedTerm> terms,
                                       std::span<const Passage> passages, size_t n);

}  // namespace ondol
