#include "retrieve/answer/support.h"

#include <algorithm>

#include "retrieve/answer/facts.h"
#include "text/unicode.h"

namespace ondol {
namespace {

constexpr double kFirstPair = 1;
constexpr double kInnerPair = 0.7;
constexpr double kLastPair = 0.3;     // of three and more syllables: mostly a particle or an ending
constexpr double kAroundShare = 0.7;  // of a term that only stands beside the evidence

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
    if (!denies(clause)) rest += clause;
    start = end;
  }
  return rest;
}

}  // namespace

SupportMeter::Terms SupportMeter::terms_of(std::string_view text) {
  Terms terms;
  struct Pair {
    std::string text;
    double weight;
    size_t end;
  };
  // The pair that may be the last one of its run; a run begins with a single character.
  Pair pending{"", 0, 0};
  bool is_run_long = false;
  const auto add = [&](const std::string& term, double weight) {
    double& known = terms[term];
    known = std::max(known, weight);
  };
  const auto end_run = [&] {
    if (!pending.text.empty()) add(pending.text, is_run_long ? kLastPair : pending.weight);
    pending = {"", 0, 0};
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
      pending = {std::string(term.text), kLastPair, term.end};
      return;
    }
    const bool is_first = decode_utf8(pending.text.empty() ? " " : pending.text, 0).size == pending.text.size();
    if (!is_first) {
      add(pending.text, pending.weight);
      is_run_long = true;
    }
    pending = {std::string(term.text), is_first ? kFirstPair : kInnerPair, term.end};
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
  std::string said_so(evidence.text);
  if (denies(claim) != denies(said_so)) {
    if (denies(claim)) return 0;
    said_so = affirmed(said_so);
  }
  const Terms wanted = terms_of(claim);
  const Terms said = terms_of(said_so);
  const Terms around = terms_of(evidence.around);
  if (!numbers_agree(claim, said_so) || !names_agree(claim, said, around)) return 0;
  double all = 0, found = 0;
  for (const auto& [term, weight] : wanted) {
    // A number in another form ("1,200") has been held against the evidence already.
    if (is_number(term)) continue;
    all += weight;
    if (said.contains(term)) {
      found += weight;
    } else if (around.contains(term)) {
      found += weight * kAroundShare;
    }
  }
  if (all > 0) return found / all;
  return wanted.empty() ? 0 : 1;
}

double SupportMeter::overlap(std::string_view text, std::string_view other) {
  const Terms wanted = terms_of(text);
  const Terms said = terms_of(other);
  double all = 0, found = 0;
  for (const auto& [term, weight] : wanted) {
    if (is_number(term)) continue;
    all += weight;
    if (said.contains(term)) found += weight;
  }
  return all > 0 ? found / all : 0;
}

}  // namespace ondol
