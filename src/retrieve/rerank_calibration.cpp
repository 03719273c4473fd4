#include "retrieve/rerank_calibration.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "retrieve/invented_questions.h"
#include "retrieve/reranking.h"

namespace ondol {
namespace {

constexpr size_t kLeastQuestions = 20;
/// After so long the questions so far count; a model that is too slow for kLeastQuestions is too slow for searches.
constexpr std::chrono::minutes kLongest{10};
constexpr size_t kShares = 11;  // 0, 0.1, ... 1
/// The gain must be so many times its standard error (chance alone gives that once in twenty times), and at least
/// kLeastGain. The smallest share that gains so much is taken: invented questions have words of their piece's own
/// style, which makes reading again look better than it is for those of people.
constexpr double kClearly = 1.64;
constexpr double kLeastGain = 0.01;

using Ranks = std::array<double, kShares>;

double share_at(size_t i) {
  return static_cast<double>(i) / (kShares - 1);
}

/// The best by the search's own order, with the wanted piece where it comes: chunk and score.
std::vector<ScoredChunk> best_of(const Standing& standing, double meaning_share) {
  const auto part = static_cast<float>(meaning_share);
  const auto scored = [&](const Standing::Place& place) {
    return ScoredChunk{place.chunk, (1 - part) * place.words + part * place.meaning};
  };
  std::vector<ScoredChunk> all{scored(standing.wanted)};
  for (const Standing::Place& other : standing.others) all.push_back(scored(other));
  keep_best(all, kRerankedHits);
  return all;
}

/// Reciprocal ranks of the wanted piece by share; nothing, where it is not among those that are read again.
Result<std::optional<Ranks>> ranks(DocumentStore& store, Reranker& reranker, const InventedQuestion& question,
                                   const Standing& standing, double meaning_share) {
  const std::vector<ScoredChunk> best = best_of(standing, meaning_share);
  const auto wanted = std::find_if(best.begin(), best.end(), [&](const auto& b) { return b.chunk == question.chunk; });
  if (wanted == best.end() || best.size() < 2) return std::optional<Ranks>();
  const auto place = static_cast<size_t>(wanted - best.begin());
  std::vector<std::string> texts;
  std::vector<float> found;
  for (const ScoredChunk& scored : best) {
    const bool is_wanted = scored.chunk == question.chunk;
    texts.push_back(is_wanted ? question.rest : ONDOL_TRY(store.chunk_text(scored.chunk)));
    found.push_back(scored.score);
  }
  const std::vector<float> reranked = ONDOL_TRY(reranker.scores(question.text, texts));
  Ranks reciprocal{};
  for (size_t i = 0; i < kShares; ++i) {
    const std::vector<float> mixed = mixed_scores(found, reranked, share_at(i));
    const auto n_better = std::count_if(mixed.begin(), mixed.end(), [&](float score) { return score > mixed[place]; });
    reciprocal[i] = 1 / static_cast<double>(1 + n_better);
  }
  return std::optional(reciprocal);
}

struct Gain {
  double mean = 0;
  double error = 0;  // standard
};

Gain gain_of(std::span<const Ranks> all, size_t share) {
  Gain gain;
  const auto n = static_cast<double>(all.size());
  for (const Ranks& ranks : all) gain.mean += (ranks[share] - ranks[0]) / n;
  double squares = 0;
  for (const Ranks& ranks : all) squares += std::pow(ranks[share] - ranks[0] - gain.mean, 2);
  gain.error = std::sqrt(squares / (n * std::max(n - 1, 1.0)));
  return gain;
}

void choose(std::span<const Ranks> all, double most_share, RerankCalibration& result) {
  std::array<Gain, kShares> gains;
  size_t best = 0;
  for (size_t i = 0; i < kShares && share_at(i) <= most_share + 1e-9; ++i) {
    gains[i] = gain_of(all, i);
    if (gains[i].mean > gains[best].mean) best = i;
  }
  for (const Ranks& ranks : all) result.mrr += ranks[0] / static_cast<double>(all.size());
  result.mrr_best = result.mrr + gains[best].mean;
  result.mrr_reranked = result.mrr;
  for (size_t i = 1; i <= best; ++i) {
    const bool is_clear = gains[i].mean >= std::max(kClearly * gains[i].error, kLeastGain);
    if (!is_clear) continue;
    result.share = share_at(i);
    result.mrr_reranked = result.mrr + gains[i].mean;
    return;
  }
}

}  // namespace

Result<RerankCalibration> calibrate_reranker(DocumentStore& store, Reranker& reranker, TextEmbedder* embedder,
                                             const std::function<bool(int64_t, int64_t)>& progress) {
  const auto chunks = embedder == nullptr ? ONDOL_TRY(store.sample(2 * kInventedQuestions))
                                          : ONDOL_TRY(store.sample_with_vectors(2 * kInventedQuestions));
  const std::vector<InventedQuestion> questions = invent_questions(chunks);
  const auto known = ONDOL_TRY(store.measured_share());
  const double meaning_share = embedder == nullptr ? 0 : known ? known->meaning_share : kMeaningShare;
  RerankCalibration result;
  std::vector<Ranks> all;
  const auto end = std::chrono::steady_clock::now() + kLongest;
  for (const InventedQuestion& question : questions) {
    if (std::chrono::steady_clock::now() > end) break;
    result.was_stopped = progress && !progress(result.n_questions, static_cast<int64_t>(questions.size()));
    if (result.was_stopped) return result;
    std::vector<float> meaning;
    TextEmbedder::Parts rest;
    if (embedder != nullptr) {
      meaning = ONDOL_TRY(embedder->embed_question(question.text));
      rest = ONDOL_TRY(embedder->embed_documents(std::span(&question.rest, 1))).front();
    }
    const Standing standing = ONDOL_TRY(standing_of(store, question, meaning, rest));
    const auto found = ONDOL_TRY(ranks(store, reranker, question, standing, meaning_share));
    Ranks far{};  // what is not read again stays as far behind with any share
    far.fill(1.0 / (kRerankedHits + 1));
    all.push_back(found.value_or(far));
    ++result.n_questions;
  }
  result.tells = all.size() >= kLeastQuestions;
  if (result.tells) choose(all, reranker.most_share(), result);
  return result;
}

Result<bool> wants_rerank_calibration(DocumentStore& store, const std::string& name) {
  const auto kept = ONDOL_TRY(store.kept_reranker());
  if (!kept) return true;
  const int64_t n = ONDOL_TRY(store.stats()).n_chunks;
  return (!name.empty() && kept->name != name) || n >= 2 * kept->n_chunks || 2 * n <= kept->n_chunks;
}

Result<RerankCalibration> calibrate_and_keep(DocumentStore& store, Reranker& reranker, TextEmbedder* embedder,
                                             const std::function<bool(int64_t, int64_t)>& progress) {
  const int64_t n = ONDOL_TRY(store.stats()).n_chunks;
  const RerankCalibration found = ONDOL_TRY(calibrate_reranker(store, reranker, embedder, progress));
  if (found.was_stopped) return found;
  ONDOL_TRY(store.keep_reranker({found.share, n, reranker.name(), reranker.source()}));
  ONDOL_TRY(store.commit());
  return found;
}

}  // namespace ondol
