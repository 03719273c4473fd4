// Ranges and multiples of numbers as terms over their decimal texts.
//
// The texts are those without an exponent and without negative zero: -?(0|[1-9][0-9]*)(\.[0-9]+)?. A set of numbers is
// the set of all these texts of its numbers, so that unions, intersections and complements of terms are those of sets.
#pragma once

#include <string>

#include "base/json.h"
#include "text/grammar/terms.h"

namespace ondol::grammar {

/// A number as digits: sign, digits before and behind the point, without needless zeros ("" for none).
struct Decimal {
  bool negative = false;
  std::string whole;
  std::string fraction;

  bool is_zero() const { return whole.empty() && fraction.empty(); }
  bool is_whole() const { return fraction.empty(); }
};

/// The shortest decimal that means the number. `number` is one.
Result<Decimal> decimal_of(const json::value& number);

class NumberTerms {
 public:
  explicit NumberTerms(TermStore& terms);

  TermId all() const { return all_; }
  TermId whole() const { return whole_; }  // with a fraction of zeros, perhaps

  TermId at_least(const Decimal& bound, bool inclusive);
  TermId at_most(const Decimal& bound, bool inclusive);
  TermId exactly(const Decimal& number);
  /// Fails when the divisor has too many digits.
  Result<TermId> multiple_of(const Decimal& divisor);
  TermId complement(TermId numbers) { return terms_.both({all_, terms_.complement(numbers)}); }

  TermId plain() const { return plain_; }  // of moderate length, without needless zeros

  // Free numbers, as JSON writes them.
  TermId any_text() const { return any_text_; }
  TermId whole_text() const { return whole_text_; }

 private:
  TermId magnitude_above(const Decimal& bound, bool inclusive);  // without a sign
  TermId magnitude_below(const Decimal& bound, bool inclusive);
  TermId above_same_length(const std::string& digits, bool first_digit);
  TermId fraction_above(const std::string& digits, bool inclusive);
  TermId digit(int first, int last);
  TermId digits(int least, int most);
  TermId minus(TermId magnitude);

  TermStore& terms_;
  TermId point_;
  TermId magnitudes_;
  TermId positive_;  // magnitudes but zero
  TermId all_;
  TermId whole_;
  TermId plain_;
  TermId any_text_;
  TermId whole_text_;
};

}  // namespace ondol::grammar
