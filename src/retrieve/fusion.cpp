#include "retrieve/fusion.h"

#include <algorithm>
#include <unordered_map>

namespace ondol {

std::vector<ScoredChunk> fuse(std::span<const ScoredChunk> words, std::span<const VectorIndex::Nearness> meaning,
                              double meaning_share, size_t n) {
  const float best_words = words.empty() ? 0 : words.front().score;
  float best_meaning = 0;
  for (const auto& near : meaning) best_meaning = std::max(best_meaning, near.cosine);
  std::unordered_map<int64_t, float> by_words;
  if (best_words > 0) {
    const auto share = static_cast<float>(1 - meaning_share) / best_words;
    for (const ScoredChunk& scored : words) by_words[scored.chunk] = share * scored.score;
  }
  std::vector<ScoredChunk> all;
  all.reserve(meaning.size() + words.size());
  const float share = best_meaning > 0 ? static_cast<float>(meaning_share) / best_meaning : 0;
  for (const auto& near : meaning) {
    float score = share * near.cosine;
    if (const auto known = by_words.find(near.chunk); known != by_words.end()) {
      score += known->second;
      by_words.erase(known);
    }
    all.push_back({near.chunk, score});
  }
  for (const auto& [chunk, score] : by_words) all.push_back({chunk, score});
  keep_best(all, n);
  return all;
}

}  // namespace ondol
