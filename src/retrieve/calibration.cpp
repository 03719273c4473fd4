#include "retrieve/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "retrieve/invented_questions.h"

namespace ondol {
namespace {

constexpr size_t kLeastQuestions = 20;
constexpr size_t kShares = 21;  // 0, 0.05, ... 1
constexpr double kNearlyAsGood = 0.97;
constexpr size_t kBatch = 8;

double share_at(size_t i) {
  return static_cast<double>(i) / (kShares - 1);
}

/// Reciprocal ranks of the wanted piece by share.
std::array<double, kShares> ranks(const Standing& standing) {
  std::array<int64_t, kShares> n_better{};
  for (const Standing::Place& other : standing.others) {
    const float more_words = other.words - standing.wanted.words;
    const float more_meaning = other.meaning - standing.wanted.meaning;
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
  const std::vector<InventedQuestion> questions =
      invent_questions(ONDOL_TRY(store.sample_with_vectors(2 * kInventedQuestions)));
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
      const std::vector<float> meaning = ONDOL_TRY(embedder.embed_question(questions[i].text));
      const auto found = ranks(ONDOL_TRY(standing_of(store, questions[i], meaning, parts[i - start])));
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
