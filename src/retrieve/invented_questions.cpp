#include "retrieve/invented_questions.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "retrieve/sentences.h"

namespace ondol {
namespace {

constexpr size_t kShortestQuestion = 40;  // bytes
constexpr size_t kLongestQuestion = 400;
constexpr size_t kShortestRest = 120;  // of a piece

/// The sentence nearest to the piece's middle that is neither short nor long.
bool take_question(const DocumentStore::ChunkText& chunk, InventedQuestion& question) {
  const ByteRange* best = nullptr;
  const std::vector<ByteRange> sentences = sentences_of(chunk.text);
  const auto off_middle = [&](const ByteRange& span) {
    const size_t twice = span.start + span.end;
    return twice > chunk.text.size() ? twice - chunk.text.size() : chunk.text.size() - twice;
  };
  for (const ByteRange& span : sentences) {
    const bool fits = span.size() >= kShortestQuestion && span.size() <= kLongestQuestion &&
                      chunk.text.size() - span.size() >= kShortestRest;
    if (fits && (best == nullptr || off_middle(span) < off_middle(*best))) best = &span;
  }
  if (best == nullptr) return false;
  question.chunk = chunk.chunk;
  question.text = best->of(chunk.text);
  question.rest = chunk.text.substr(0, best->start) + chunk.text.substr(best->end);
  return true;
}

/// Every second word: people ask in other words than the text's, while its sentences repeat each other's.
std::string half_of_words(std::string_view text) {
  std::string half;
  bool is_kept = true;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find_first_of(" \n\t", start), text.size() - 1) + 1;
    if (is_kept) half += text.substr(start, end - start);
    is_kept = !is_kept;
    start = end;
  }
  return half;
}

float nearest(const TextEmbedder::Parts& parts, std::span<const float> question) {
  float best = -1;
  for (const std::vector<float>& part : parts) {
    best = std::max(best, std::inner_product(part.begin(), part.end(), question.begin(), 0.0f));
  }
  return best;
}

}  // namespace

std::vector<InventedQuestion> invent_questions(std::span<const DocumentStore::ChunkText> chunks) {
  std::vector<InventedQuestion> questions;
  for (const DocumentStore::ChunkText& chunk : chunks) {
    InventedQuestion question;
    if (questions.size() < kInventedQuestions && take_question(chunk, question)) {
      questions.push_back(std::move(question));
    }
  }
  return questions;
}

Result<Standing> standing_of(DocumentStore& store, const InventedQuestion& question, std::span<const float> meaning,
                             const TextEmbedder::Parts& rest) {
  const std::string half = half_of_words(question.text);
  const DocumentStore::Scores scores = ONDOL_TRY(store.scores(half, meaning));
  const auto words_of_wanted = static_cast<float>(ONDOL_TRY(store.words_score(half, question.rest)));
  const float meaning_of_wanted = rest.empty() ? 0 : nearest(rest, meaning);
  ScoreRange of_words = range_of(scores.words), of_meaning = range_of(scores.meaning);
  of_words.best = std::max(words_of_wanted, of_words.usual);
  of_meaning.best = std::max(meaning_of_wanted, of_meaning.usual);
  std::unordered_map<int64_t, float> by_words;
  for (const ScoredChunk& scored : scores.words) {
    if (scored.chunk == question.chunk) continue;
    by_words[scored.chunk] = scored.score;
    of_words.best = std::max(of_words.best, scored.score);
  }
  for (const auto& near : scores.meaning) {
    if (near.chunk != question.chunk) of_meaning.best = std::max(of_meaning.best, near.cosine);
  }
  const auto place_by_words = [&](float score) { return std::max(of_words.place_of(score), 0.0f); };
  Standing standing;
  standing.wanted = {question.chunk, place_by_words(words_of_wanted), of_meaning.place_of(meaning_of_wanted)};
  for (const auto& near : scores.meaning) {
    if (near.chunk == question.chunk) continue;
    const auto known = by_words.find(near.chunk);
    const float words = known == by_words.end() ? 0 : place_by_words(known->second);
    standing.others.push_back({near.chunk, words, of_meaning.place_of(near.cosine)});
  }
  if (!scores.meaning.empty()) return standing;
  for (const auto& [chunk, score] : by_words) standing.others.push_back({chunk, place_by_words(score), 0});
  return standing;
}

}  // namespace ondol
