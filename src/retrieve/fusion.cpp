#include "retrieve/fusion.h"

#include <algorithm>
#include <functional>
#include <unordered_map>

namespace ondol {

namespace {

constexpr size_t kUsual = kLeastNearest - 1;

ScoreRange range_of(std::vector<float> scores) {
  ScoreRange range;
  if (scores.empty()) return range;
  range.best = *std::max_element(scores.begin(), scores.end());
  if (scores.size() <= kUsual) return range;
  std::nth_element(scores.begin(), scores.begin() + kUsual, scores.end(), std::greater<>());
  range.usual = scores[kUsual];
  return range;
}

}  // namespace

ScoreRange range_of(std::span<const ScoredChunk> words) {
  std::vector<float> scores;
  for (const ScoredChunk& scored : words) scores.push_back(scored.score);
  return range_of(std::move(scores));
}

ScoreRange range_of(std::span<const VectorIndex::Nearness> meaning) {
  std::vector<float> scores;
  for (const auto& near : meaning) scores.push_back(near.cosine);
  return range_of(std::move(scores));
}

std::vector<ScoredChunk> fuse(std::span<const ScoredChunk> words, std::span<const VectorIndex::Nearness> meaning,
                              double meaning_share, size_t n) {
  const ScoreRange of_words = range_of(words), of_meaning = range_of(meaning);
  const auto words_share = static_cast<float>(1 - meaning_share);
  std::unordered_map<int64_t, float> by_words;
  for (const ScoredChunk& scored : words) {
    by_words[scored.chunk] = words_share * std::max(of_words.place_of(scored.score), 0.0f);
  }
  std::vector<ScoredChunk> all;
  all.reserve(meaning.size() + words.size());
  for (const auto& near : meaning) {
    float score = static_cast<float>(meaning_share) * of_meaning.place_of(near.cosine);
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
