#include "retrieve/answer/support.h"

#include <algorithm>
#include <iterator>

#include "retrieve/answer/facts.h"
#include "text/unicode.h"

namespace ondol {
namespace {

constexpr size_t kMostKnown = 4096;  // texts whose terms are remembered

constexpr double kFirstPair = 1;
constexpr double kInnerPair = 0.7;
constexpr double kLastPair = 0.3;      // of three and more syllables: mostly a particle or an ending
constexpr double kEndingPair = 0.1;    // of endings that all sentences have
constexpr double kUnit = 0.5;          // what is counted, behind digits
constexpr double kLeastContent = 1.5;  // of a claim: less is a rest of a sentence
constexpr double kAroundShare = 0.5;   // of a term that only stands beside the evidence
constexpr double kLeastOwn = 0.4;      // of the terms stand in the evidence itself

constexpr std::string_view kEndings[] = {"입니", "니다", "습니", "이다", "니까", "어요", "아요", "해요", "에요",
                                         "예요", "합니", "됩니", "있습", "했습", "였습", "었습", "았습", "한다",
                                         "된다", "였다", "했다", "었다", "았다", "하였", "되었", "하는", "되는"};

bool is_ending(std::string_view pair) {
  return std::find(std::begin(kEndings), std::end(kEndings), pair) != std::end(kEndings);
}

bool is_number(std::string_view term) {
  return std::all_of(term.begin(), term.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool numbers_agree(std::string_view claim, std::string_view evidence) {
  const std::set<std::string> known = number_values(evidence);
  const std::vector<Number> numbers = numbers_of(claim);
  return std::all_of(numbers.begin(), numbers.end(), [&](const Number& number) {
    const bool is_pronoun = number.in_words && number.value == "1";
    return is_pronoun || known.contains(number.value);
  });
}

/// Without the parts between commas that deny something.
std::string affirmed(std::string_view text) {
  std::string rest;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find_first_of(",;:", start), text.size() - 1) + 1;
    const std::string_view clause = text.substr(start, end - start);
    if (n_denials(clause) == 0) rest += clause;
    start = end;
  }
  return rest;
}

}  // namespace

const SupportMeter::Terms& SupportMeter::terms_of(std::string_view text) {
  if (const auto known = known_.find(std::string(text)); known != known_.end()) return known->second;
  return known_.emplace(text, read_terms(text)).first->second;
}

SupportMeter::Terms SupportMeter::read_terms(std::string_view text) {
  Terms terms;
  struct Pair {
    std::string text;
    double weight;
  };
  // The pair that may be the last one of its run; a run begins with a single character.
  Pair pending{"", 0};
  bool is_run_long = false;
  bool is_behind_digit = false;
  const auto add = [&](const std::string& term, double weight) {
    double& known = terms[term];
    known = std::max(known, is_ending(term) ? kEndingPair : weight);
  };
  const auto end_run = [&] {
    if (!pending.text.empty()) add(pending.text, is_run_long ? kLastPair : pending.weight);
    pending = {"", 0};
    is_run_long = false;
  };
  reader_.read(text, [&](const Term& term) {
    if (!term.is_pair) {
      end_run();
      add(std::string(term.text), 1);
      return;
    }
    const bool begins_run = decode_utf8(term.text, 0).size == term.text.size();
    if (begins_run) {
      end_run();
      is_behind_digit = term.start > 0 && text[term.start - 1] >= '0' && text[term.start - 1] <= '9';
      if (is_behind_digit) add(std::string(term.text), kUnit);
      pending = {std::string(term.text), kLastPair};
      return;
    }
    const bool is_first = decode_utf8(pending.text.empty() ? " " : pending.text, 0).size == pending.text.size();
    if (!is_first) {
      add(pending.text, pending.weight);
      is_run_long = true;
    }
    const double of_first = is_behind_digit ? kLastPair : kFirstPair;
    pending = {std::string(term.text), is_first ? of_first : kInnerPair};
  });
  end_run();
  return terms;
}

bool SupportMeter::names_agree(std::string_view claim, const Terms& evidence, const Terms& around) {
  for (const std::string& name : names_of(claim)) {
    bool agrees = true;
    reader_.read(name, [&](const Term& term) {
      if (term.text.size() > 1) agrees = agrees && (evidence.contains(term.text) || around.contains(term.text));
    });
    if (!agrees) return false;
  }
  return true;
}

double SupportMeter::support(std::string_view claim, const Evidence& evidence) {
  if (known_.size() >= kMostKnown) known_.clear();
  std::string said_so(evidence.text);
  const int n_in_claim = n_denials(claim), n_in_evidence = n_denials(said_so);
  if (n_in_claim > n_in_evidence) return 0;
  if (n_in_claim == 0 && n_in_evidence > 0) said_so = affirmed(said_so);
  if (!numbers_agree(claim, said_so)) return 0;
  const Terms wanted = terms_of(claim);
  const Terms& said = terms_of(said_so);
  const Terms& around = terms_of(evidence.around);
  double all = 0, own = 0, beside = 0;
  for (const auto& [term, weight] : wanted) {
    // A number in another form ("1,200") has been held against the evidence already.
    if (is_number(term)) continue;
    all += weight;
    if (said.contains(term)) {
      own += weight;
    } else if (around.contains(term)) {
      beside += weight;
    }
  }
  const bool has_number = !number_values(claim).empty();
  if (all < kLeastContent - (has_number ? 1 : 0) || own < kLeastOwn * all) return 0;
  return names_agree(claim, said, around) ? (own + kAroundShare * beside) / all : 0;
}

double SupportMeter::overlap(std::string_view text, std::string_view other) {
  if (known_.size() >= kMostKnown) known_.clear();
  const Terms wanted = terms_of(text);
  const Terms& said = terms_of(other);
  double all = 0, found = 0;
  for (const auto& [term, weight] : wanted) {
    if (is_number(term)) continue;
    all += weight;
    if (said.contains(term)) found += weight;
  }
  return all > 0 ? found / all : 0;
}

}  // namespace ondol
