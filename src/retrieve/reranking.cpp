#include "retrieve/reranking.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace ondol {
namespace {

struct Extent {
  float least = 0;
  float most = 0;
};

Extent extent_of(std::span<const float> values) {
  if (values.empty()) return {};
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return {*least, *most};
}

}  // namespace

std::vector<float> mixed_scores(std::span<const float> found, std::span<const float> reranked, double share) {
  ONDOL_CHECK(found.size() == reranked.size());
  const bool are_numbers = std::all_of(reranked.begin(), reranked.end(), [](float x) { return std::isfinite(x); });
  if (!are_numbers) return {found.begin(), found.end()};
  const Extent of_found = extent_of(found), of_reranked = extent_of(reranked);
  const float width = of_found.most - of_found.least;
  const auto part = static_cast<float>(share);
  std::vector<float> mixed;
  for (size_t i = 0; i < found.size(); ++i) {
    const float range = of_reranked.most - of_reranked.least;
    // One that holds all for equal says nothing.
    const float place = range > 0 ? (reranked[i] - of_reranked.least) / range : 0;
    mixed.push_back(range > 0 ? (1 - part) * found[i] + part * (of_found.least + width * place) : found[i]);
  }
  return mixed;
}

Result<void> rerank(const std::string& question, std::vector<Hit>& hits, Reranker& reranker, double share) {
  const auto best = std::span(hits).first(std::min(hits.size(), kRerankedHits));
  std::vector<std::string> texts;
  std::vector<float> found;
  for (const Hit& hit : best) {
    texts.push_back(searched_text(hit.headings, hit.text));
    found.push_back(static_cast<float>(hit.score));
  }
  const std::vector<float> mixed = mixed_scores(found, ONDOL_TRY(reranker.scores(question, texts)), share);
  for (size_t i = 0; i < best.size(); ++i) best[i].score = mixed[i];
  std::stable_sort(best.begin(), best.end(), [](const Hit& a, const Hit& b) { return a.score > b.score; });
  return {};
}

}  // namespace ondol
