#include "retrieve/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "retrieve/sentences.h"

namespace ondol {
namespace {

constexpr size_t kQuestions = 120;
constexpr size_t kLeastQuestions = 20;
constexpr size_t kShortestQuestion = 40;  // bytes
constexpr size_t kLongestQuestion = 400;
constexpr size_t kShortestRest = 120;  // of a piece
constexpr size_t kShares = 21;         // 0, 0.05, ... 1
constexpr double kNearlyAsGood = 0.97;
constexpr size_t kBatch = 8;

double share_at(size_t i) {
  return static_cast<double>(i) / (kShares - 1);
}

struct Question {
  int64_t chunk = 0;
  std::string text;
  std::string rest;  // of the piece
};

/// The sentence nearest to the piece's middle that is neither short nor long.
bool take_question(const DocumentStore::ChunkText& chunk, Question& question) {
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

/// Reciprocal ranks of the wanted piece by share.
std::array<double, kShares> ranks(const DocumentStore::Scores& scores, int64_t wanted, float words_of_wanted,
                                  float meaning_of_wanted) {
  ScoreRange of_words = range_of(scores.words), of_meaning = range_of(scores.meaning);
  of_words.best = std::max(words_of_wanted, of_words.usual);
  of_meaning.best = std::max(meaning_of_wanted, of_meaning.usual);
  std::unordered_map<int64_t, float> by_words;
  for (const ScoredChunk& scored : scores.words) {
    if (scored.chunk == wanted) continue;
    by_words[scored.chunk] = scored.score;
    of_words.best = std::max(of_words.best, scored.score);
  }
  for (const auto& near : scores.meaning) {
    if (near.chunk != wanted) of_meaning.best = std::max(of_meaning.best, near.cosine);
  }
  const float wanted_words = std::max(of_words.place_of(words_of_wanted), 0.0f);
  const float wanted_meaning = of_meaning.place_of(meaning_of_wanted);
  std::array<int64_t, kShares> n_better{};
  for (const auto& near : scores.meaning) {
    if (near.chunk == wanted) continue;
    const auto known = by_words.find(near.chunk);
    const float words = known == by_words.end() ? 0 : std::max(of_words.place_of(known->second), 0.0f);
    const float more_words = words - wanted_words;
    const float more_meaning = of_meaning.place_of(near.cosine) - wanted_meaning;
    if (more_words < 0 && more_meaning < 0) continue;
    for (size_t i = 0; i < kShares; ++i) {
      const auto share = static_cast<float>(share_at(i));
      if ((1 - share) * more_words + share * more_meaning > 0) ++n_better[i];
    }
  }
  std::array<double, kShares> reciprocal{};
  for (size_t i = 0; i < kShares; ++i) reciprocal[i] = 1 / static_cast<double>(1 + n_better[i]);
  return reciprocal;
}

float nearest(const TextEmbedder::Parts& parts, std::span<const float> question) {
  float best = -1;
  for (const std::vector<float>& part : parts) {
    best = std::max(best, std::inner_product(part.begin(), part.end(), question.begin(), 0.0f));
  }
  return best;
}

/// The share nearest to the usual one of those that are nearly as good as the best: a few questions do not tell more.
/// Each counts with its neighbours.
size_t best_share(const std::array<double, kShares>& sums) {
  std::array<double, kShares> smooth{};
  for (size_t i = 0; i < kShares; ++i) {
    const size_t first = i - std::min<size_t>(i, 1), last = std::min(i + 1, kShares - 1);
    for (size_t k = first; k <= last; ++k) smooth[i] += sums[k] / static_cast<double>(last - first + 1);
  }
  const double best = *std::max_element(smooth.begin(), smooth.end());
  const auto off_usual = [](size_t i) { return std::abs(share_at(i) - kMeaningShare); };
  size_t chosen = kShares;
  for (size_t i = 0; i < kShares; ++i) {
    if (smooth[i] < kNearlyAsGood * best) continue;
    if (chosen == kShares || off_usual(i) < off_usual(chosen)) chosen = i;
  }
  return std::min(chosen, kShares - 1);
}

}  // namespace

Result<Calibration> calibrate(DocumentStore& store, TextEmbedder& embedder,
                              const std::function<bool(int64_t, int64_t)>& progress) {
  std::vector<Question> questions;
  for (const DocumentStore::ChunkText& chunk : ONDOL_TRY(store.sample_with_vectors(2 * kQuestions))) {
    Question question;
    if (questions.size() < kQuestions && take_question(chunk, question)) questions.push_back(std::move(question));
  }
  Calibration result;
  std::array<double, kShares> sums{};
  const auto n_all = static_cast<int64_t>(questions.size());
  for (size_t start = 0; start < questions.size(); start += kBatch) {
    if (progress && !progress(result.n_questions, n_all)) break;
    const size_t end = std::min(start + kBatch, questions.size());
    std::vector<std::string> rests;
    for (size_t i = start; i < end; ++i) rests.push_back(questions[i].rest);
    const std::vector<TextEmbedder::Parts> parts = ONDOL_TRY(embedder.embed_documents(rests));
    for (size_t i = start; i < end; ++i) {
      const Question& question = questions[i];
      const std::vector<float> meaning = ONDOL_TRY(embedder.embed_question(question.text));
      const std::string half = half_of_words(question.text);
      const auto scores = ONDOL_TRY(store.scores(half, meaning));
      const auto words = static_cast<float>(ONDOL_TRY(store.words_score(half, question.rest)));
      const auto found = ranks(scores, question.chunk, words, nearest(parts[i - start], meaning));
      for (size_t k = 0; k < kShares; ++k) sums[k] += found[k];
      ++result.n_questions;
    }
  }
  if (result.n_questions == 0) return result;
  const auto n = static_cast<double>(result.n_questions);
  result.mrr_words = sums.front() / n;
  result.mrr_meaning = sums.back() / n;
  if (result.n_questions < static_cast<int64_t>(kLeastQuestions)) return result;
  const size_t best = best_share(sums);
  result.meaning_share = share_at(best);
  result.mrr = sums[best] / n;
  return result;
}

Result<bool> calibrate_if_grown(DocumentStore& store, TextEmbedder& embedder,
                                const std::function<bool(int64_t, int64_t)>& progress) {
  const int64_t n = ONDOL_TRY(store.stats()).n_chunks;
  const auto known = ONDOL_TRY(store.measured_share());
  if (known && known->embedder == embedder.name() && n < 2 * known->n_chunks && 2 * n > known->n_chunks) return false;
  const Calibration calibration = ONDOL_TRY(calibrate(store, embedder, progress));
  if (calibration.n_questions < static_cast<int64_t>(kLeastQuestions)) return false;
  ONDOL_TRY(store.set_measured_share({calibration.meaning_share, n, embedder.name()}));
  ONDOL_TRY(store.commit());
  return true;
}

}  // namespace ondol
