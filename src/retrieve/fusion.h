// Fusion: one order from words and meaning.
//
// Scores are added as shares of the way from the usual to the best score of their kind, which keeps how much better the
// best ones are; ranks, as reciprocal rank fusion adds them, do not (Bruch et al., 2023: an analysis of fusion
// functions). Usual is the hundredth best: cosines of unrelated texts lie far from 0, and differ between models.
#pragma once

#include <span>
#include <vector>

#include "retrieve/lexical_index.h"
#include "retrieve/vector_index.h"

namespace ondol {

/// How much meaning counts, from 0 to 1, where nothing else is known of a collection.
constexpr double kMeaningShare = 0.6;

struct ScoreRange {
  float usual = 0;  // 0 where there are fewer than a hundred
  float best = 0;
  /// 1 is the best, 0 the usual one; worse ones are below.
  float place_of(float score) const { return best > usual ? (score - usual) / (best - usual) : 0; }
};
ScoreRange range_of(std::span<const ScoredChunk> words);
ScoreRange range_of(std::span<const VectorIndex::Nearness> meaning);

/// So many of the nearest tell what is usual.
constexpr size_t kLeastNearest = 101;

/// The best n of both, the best first. `words` are the best by words, the best first; `meaning` has at least the
/// kLeastNearest and n nearest pieces, and those of `words` that have vectors: others do not come among the best n.
std::vector<ScoredChunk> fuse(std::span<const ScoredChunk> words, std::span<const VectorIndex::Nearness> meaning,
                              double meaning_share, size_t n);

}  // namespace ondol
