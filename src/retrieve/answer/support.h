// Support: how much of a claim its evidence says.
//
// A measure over words, not an understanding: the share of the claim's content terms that the evidence has. What must
// agree to the letter is held to: every number of the claim stands in the evidence itself, every name in it or just
// around it; a claim denies no more than its evidence, and affirms nothing that it denies. A claim that says the
// contrary in other words is not noticed.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "retrieve/terms.h"

namespace ondol {

/// Claims with less are not supported.
constexpr double kLeastSupport = 0.6;

struct Evidence {
  std::string_view text;    // what is cited
  std::string_view around;  // sentences beside it, headings, title: what its pronouns stand for
};

/// Not for several threads at once.
class SupportMeter {
 public:
  /// From 0 to 1. 0 where facts do not agree, and for claims without content.
  double support(std::string_view claim, const Evidence& evidence);

  /// How much of a text's content terms stand in another, from 0 to 1, numbers left out.
  double overlap(std::string_view text, std::string_view other);

 private:
  /// Content terms and how much each counts; the ends of Korean words count little, as they change with the sentence.
  using Terms = std::map<std::string, double, std::less<>>;
  /// Remembered: the same sentences are held against every claim. Until the next support() or overlap().
  const Terms& terms_of(std::string_view text);
  Terms read_terms(std::string_view text);
  bool names_agree(std::string_view claim, const Terms& evidence, const Terms& around);

  TermReader reader_;
  std::unordered_map<std::string, Terms> known_;
};

}  // namespace ondol
