// Reranking: the best of what was found, put into another order by a model that reads question and texts.
//
// The search's order keeps a say: both kinds of score count as shares of the way from the worst to the best of those
// that are looked at, and are added.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "retrieve/document_store.h"
#include "retrieve/reranker.h"

namespace ondol {

/// So many of the best are read again.
constexpr size_t kRerankedHits = 24;

/// The scores that these have together: from the worst to the best of `found`, so that others that were found keep
/// their place behind. `share` of it is the reranker's, from 0 (as found) to 1.
std::vector<float> mixed_scores(std::span<const float> found, std::span<const float> reranked, double share);

/// Scores the first kRerankedHits, which are sorted, again, and sorts them. Errors: the reranker's.
Result<void> rerank(const std::string& question, std::vector<Hit>& hits, Reranker& reranker, double share);

}  // namespace ondol
