#include "retrieve/answer/follow_up.h"

#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "text/unicode.h"

namespace ondol {
namespace {

constexpr std::string_view kPointing[] = {"it",    "its",   "he",   "him",    "his",   "she",  "her",
                                          "hers",  "they",  "them", "their",  "this",  "that", "these",
                                          "those", "there", "then", "former", "latter"};
constexpr std::string_view kBeginnings[] = {"and",  "but",  "so",    "also",   "what about", "how about",
                                            "why?", "who?", "when?", "where?", "how?"};
// Geu (that, he) alone or with a particle, igeot/geugeot/jeogeot (thing), yeogi/geogi (place), geureom and the like.
constexpr std::string_view kKoreanPointing[] = {
    "그",     "그가",   "그는",   "그의",   "그를",   "그에게", "그녀",   "그녀가", "그녀는", "그녀의",   "그것",
    "그것은", "그것이", "그것의", "그것을", "그건",   "그게",   "그곳",   "그곳은", "그곳의", "그곳에서", "거기",
    "거기서", "거기에", "여기",   "이것",   "이것은", "이것의", "이건",   "이게",   "이곳",   "이곳의",   "그들",
    "그들은", "그들이", "그들의", "그럼",   "그러면", "그래서", "그리고", "그때",   "당시",   "이때",     "이후"};

constexpr size_t kFewWords = 2;
constexpr size_t kFewPairs = 4;
constexpr size_t kMostTurnsBack = 3;
constexpr double kLeastKnown = 0.85;  // of a rewriting's terms

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  const std::string lower = lowercase(text);
  constexpr std::string_view kBetween = " \t\n.,?!;:\"'()";
  for (size_t start = 0; start < lower.size();) {
    const size_t end = std::min(lower.find_first_of(kBetween, start), lower.size());
    if (end > start) words.push_back(lower.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

}  // namespace

bool points_back(std::string_view question) {
  const std::string lower = lowercase(question);
  for (const std::string_view beginning : kBeginnings) {
    if (lower.starts_with(beginning) && (lower.size() == beginning.size() || lower[beginning.size()] == ' ' ||
                                         lower[beginning.size()] == ',' || beginning.ends_with('?'))) {
      return true;
    }
  }
  for (const std::string& word : words_of(question)) {
    if (std::find(std::begin(kPointing), std::end(kPointing), word) != std::end(kPointing)) return true;
    if (std::find(std::begin(kKoreanPointing), std::end(kKoreanPointing), word) != std::end(kKoreanPointing))
      return true;
  }
  TermReader reader;
  size_t n_words = 0, n_pairs = 0;
  reader.read(question, [&](const Term& term) { (term.is_pair ? n_pairs : n_words) += 1; });
  return n_words + n_pairs > 0 && n_words <= kFewWords && n_pairs <= kFewPairs &&
         n_words * kFewPairs + n_pairs * kFewWords <= kFewWords * kFewPairs;
}

std::string with_carried_words(std::string_view question, std::span<const AnsweredQuestion> history) {
  std::string carried = fmt::format("{}\n{}", question, question);
  for (size_t i = history.size(), n = 0; i-- > 0 && n < kMostTurnsBack; ++n) {
    carried += "\n" + history[i].question;
    if (!points_back(history[i].question)) break;
  }
  return carried;
}

bool is_sane_rewriting(std::string_view rewritten, std::string_view question,
                       std::span<const AnsweredQuestion> history) {
  TermReader reader;
  std::set<std::string> of_question, known;
  reader.read(question, [&](const Term& term) { of_question.emplace(term.text); });
  known = of_question;
  for (const AnsweredQuestion& turn : history) {
    reader.read(turn.question, [&](const Term& term) { known.emplace(term.text); });
    reader.read(turn.answer, [&](const Term& term) { known.emplace(term.text); });
  }
  size_t n = 0, n_known = 0, n_kept = 0;
  reader.read(rewritten, [&](const Term& term) {
    const std::string text(term.text);
    ++n;
    n_known += known.count(text);
    n_kept += of_question.count(text);
  });
  const bool keeps_question = of_question.empty() || n_kept > 0;
  return n > 0 && keeps_question && static_cast<double>(n_known) >= kLeastKnown * static_cast<double>(n);
}

}  // namespace ondol
