#include "retrieve/answer/extract.h"

#include <algorithm>
#include <set>
#include <string>

#include "retrieve/answer/facts.h"
#include "text/unicode.h"

namespace ondol {
namespace {

constexpr double kAroundShare = 0.4;   // of a term that only stands in the headings or beside
constexpr double kPassageShare = 0.3;  // of how good the passage is
constexpr double kNumberBonus = 0.1;
constexpr double kNearlyAsGood = 0.8;
constexpr size_t kShortest = 12;  // bytes; shorter ones are titles and rests

/// Whether a number or a time is asked for.
bool asks_for_number(std::string_view question) {
  const std::string lower = lowercase(question);
  for (const std::string_view sign :
       {"how many", "how much", "how long", "how old", "how far", "how often", "when ", "what year", "which year",
        "what date", "몇", "언제", "얼마", "연도", "날짜", "며칠"}) {
    if (lower.find(sign) != lower.npos) return true;
  }
  return false;
}

class Extractor {
 public:
  Extractor(std::string_view question, std::span<const WeightedTerm> terms, std::span<const Passage> passages)
      : terms_(terms), passages_(passages), wants_number_(asks_for_number(question)) {
    for (const WeightedTerm& term : terms) all_ += term.weight;
  }

  std::vector<ExtractedSentence> all() {
    std::vector<ExtractedSentence> found;
    const double best = passages_.empty() ? 0 : passages_.front().hit.score;
    for (size_t p = 0; p < passages_.size(); ++p) {
      const Passage& passage = passages_[p];
      const double prior = best > 0 ? kPassageShare * passage.hit.score / best : 0;
      const std::set<std::string> headings = terms_in(passage.hit.headings);
      std::vector<std::set<std::string>> own;
      for (const ByteRange& span : passage.sentences) own.push_back(terms_in(span.of(passage.hit.text)));
      for (size_t i = 0; i < passage.sentences.size(); ++i) {
        const ByteRange span = passage.sentences[i];
        if (span.size() < kShortest || is_question(span.of(passage.hit.text))) continue;
        std::set<std::string> around = headings;
        if (i > 0) around.insert(own[i - 1].begin(), own[i - 1].end());
        if (i + 1 < own.size()) around.insert(own[i + 1].begin(), own[i + 1].end());
        const double share = share_of(own[i], around);
        if (share <= 0) continue;
        const bool has_number = wants_number_ && !numbers_of(span.of(passage.hit.text)).empty();
        found.push_back({p, span, share + prior + (has_number ? kNumberBonus : 0)});
      }
    }
    return found;
  }

 private:
  static bool is_question(std::string_view text) { return text.ends_with('?'); }

  std::set<std::string> terms_in(std::string_view text) {
    std::set<std::string> found;
    reader_.read(text, [&](const Term& term) {
      for (const WeightedTerm& wanted : terms_) {
        if (wanted.text == term.text) found.insert(wanted.text);
      }
    });
    return found;
  }

  /// 0 where it has none itself.
  double share_of(const std::set<std::string>& own, const std::set<std::string>& around) const {
    double found = 0;
    if (own.empty() || all_ <= 0) return 0;
    for (const WeightedTerm& term : terms_) {
      if (own.contains(term.text)) {
        found += term.weight;
      } else if (around.contains(term.text)) {
        found += kAroundShare * term.weight;
      }
    }
    return found / all_;
  }

  std::span<const WeightedTerm> terms_;
  std::span<const Passage> passages_;
  bool wants_number_;
  double all_ = 0;
  TermReader reader_;
};

}  // namespace

std::vector<ExtractedSentence> extract(std::string_view question, std::span<const WeightedTerm> terms,
                                       std::span<const Passage> passages, size_t n) {
  std::vector<ExtractedSentence> all = Extractor(question, terms, passages).all();
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  std::vector<ExtractedSentence> best;
  std::set<std::string> said;
  for (const ExtractedSentence& sentence : all) {
    if (best.size() == n || sentence.score < kNearlyAsGood * all.front().score) break;
    if (said.insert(one_line(sentence.span.of(passages[sentence.passage].hit.text))).second) best.push_back(sentence);
  }
  return best;
}

}  // namespace ondol
