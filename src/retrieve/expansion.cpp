#include "retrieve/expansion.h"

#include <algorithm>
#include <map>

namespace ondol {
namespace {

constexpr size_t kMostAdded = 20;
constexpr double kQuestionShare = 0.8;
constexpr int kLeastTexts = 2;  // that have a word

struct Candidate {
  double weight = 0;
  int n_texts = 0;
};

/// How much of the texts each word is, the better ones counting more.
std::map<std::string, Candidate> candidates(std::span<const FeedbackText> texts) {
  std::map<std::string, Candidate> all;
  double total = 0;
  for (const FeedbackText& text : texts) total += text.score;
  TermReader reader;
  for (const FeedbackText& text : texts) {
    std::map<std::string, int> counts;
    int n_terms = 0;
    reader.read(text.text, [&](const Term& term) {
      ++n_terms;
      if (!term.is_pair) ++counts[std::string(term.text)];
    });
    for (const auto& [word, count] : counts) {
      Candidate& candidate = all[word];
      candidate.weight += text.score / total * count / n_terms;
      ++candidate.n_texts;
    }
  }
  return all;
}

}  // namespace

bool may_expand(std::span<const WeightedTerm> question) {
  return std::none_of(question.begin(), question.end(), [](const WeightedTerm& term) { return term.is_pair; });
}

Result<std::vector<WeightedTerm>> expand(std::vector<WeightedTerm> question, std::span<const FeedbackText> texts,
                                         LexicalIndex& index) {
  std::vector<WeightedTerm> added;
  for (const auto& [word, candidate] : candidates(texts)) {
    if (candidate.n_texts < kLeastTexts) continue;
    WeightedTerm term{word, candidate.weight, false};
    term.weight *= index.rarity(ONDOL_TRY(index.n_chunks_with(term)));
    added.push_back(std::move(term));
  }
  if (added.empty()) return question;
  const auto is_heavier = [](const WeightedTerm& a, const WeightedTerm& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.text < b.text;
  };
  const size_t n = std::min(kMostAdded, added.size());
  std::partial_sort(added.begin(), added.begin() + static_cast<std::ptrdiff_t>(n), added.end(), is_heavier);
  added.resize(n);
  double of_question = 0, of_added = 0;
  for (const WeightedTerm& term : question) of_question += term.weight;
  for (const WeightedTerm& term : added) of_added += term.weight;
  for (WeightedTerm& term : question) term.weight *= kQuestionShare / of_question;
  for (WeightedTerm& term : added) {
    term.weight *= (1 - kQuestionShare) / of_added;
    const auto known =
        std::find_if(question.begin(), question.end(), [&](const auto& t) { return t.text == term.text; });
    if (known != question.end()) known->weight += term.weight;
    if (known == question.end()) question.push_back(std::move(term));
  }
  return question;
}

}  // namespace ondol
