#include "text/grammar/schema_numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "text/grammar/regex_terms.h"

namespace ondol::grammar {
namespace {

constexpr int kMaxExponent = 400;

TermId ascii_regex(TermStore& terms, std::string_view pattern) {
  return *regex_term(terms, pattern, RegexMeaning::kWholeText,
                     [&](const CodePointSet& set) { return utf8_term(terms, set); });
}

}  // namespace

Result<Decimal> decimal_of(const json::value& number) {
  std::string text;
  if (number.is_int64()) {
    text = std::to_string(number.get_int64());
  } else if (number.is_uint64()) {
    text = std::to_string(number.get_uint64());
  } else if (number.is_double() && std::isfinite(number.get_double())) {
    text = fmt::format("{}", number.get_double());
  } else {
    return Error("expected a number");
  }
  Decimal out;
  out.negative = text.starts_with('-');
  if (out.negative) text.erase(0, 1);
  int exponent = 0;
  if (const size_t e = text.find('e'); e != std::string::npos) {
    exponent = std::stoi(text.substr(e + 1));
    text.resize(e);
  }
  if (exponent > kMaxExponent || exponent < -kMaxExponent) return Error("expected a number of moderate size");
  const size_t point = std::min(text.find('.'), text.size());
  out.whole = text.substr(0, point);
  if (point < text.size()) out.fraction = text.substr(point + 1);
  for (; exponent > 0; --exponent) {
    out.whole += out.fraction.empty() ? '0' : out.fraction[0];
    if (!out.fraction.empty()) out.fraction.erase(0, 1);
  }
  for (; exponent < 0; ++exponent) {
    out.fraction.insert(out.fraction.begin(), out.whole.empty() ? '0' : out.whole.back());
    if (!out.whole.empty()) out.whole.pop_back();
  }
  out.whole.erase(0, std::min(out.whole.find_first_not_of('0'), out.whole.size()));
  out.fraction.erase(out.fraction.find_last_not_of('0') + 1);
  if (out.is_zero()) out.negative = false;
  return out;
}

NumberTerms::NumberTerms(TermStore& terms) : terms_(terms) {
  point_ = terms.literal(".");
  magnitudes_ = ascii_regex(terms, "(0|[1-9][0-9]*)(\\.[0-9]+)?");
  positive_ = ascii_regex(terms, "[1-9][0-9]*(\\.[0-9]+)?|0\\.0*[1-9][0-9]*");
  all_ = terms.either({magnitudes_, minus(positive_)});
  whole_ = ascii_regex(terms, "(0|-?[1-9][0-9]*)(\\.0+)?");
  plain_ = ascii_regex(terms, "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{0,20}[1-9])?");
  // No double needs more digits in its exponent, and readers of JSON refuse many.
  any_text_ = ascii_regex(terms, "-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]{1,3})?");
  whole_text_ = ascii_regex(terms, "-?(0|[1-9][0-9]*)(\\.0)?([eE]\\+?[0-9]{1,3})?");
}

TermId NumberTerms::digit(int first, int last) {
  return first > last ? TermStore::kNothing : terms_.bytes(ByteSet::range('0' + first, '0' + last));
}

TermId NumberTerms::digits(int least, int most) {
  return terms_.repeat(digit(0, 9), least, most);
}

TermId NumberTerms::minus(TermId magnitude) {
  return terms_.concat(terms_.literal("-"), magnitude);
}

/// Fractions above 0.digits (with their point; absent is 0). Zeros behind the digits change nothing.
TermId NumberTerms::fraction_above(const std::string& fraction, bool inclusive) {
  std::vector<TermId> ways;
  TermId prefix = point_;
  for (const char c : fraction) {
    const TermId greater[] = {prefix, digit(c - '0' + 1, 9), digits(0, TermStore::kUnlimited)};
    ways.push_back(terms_.concat(greater));
    prefix = terms_.concat(prefix, terms_.literal(std::string_view(&c, 1)));
  }
  const TermId zeros = terms_.repeat(terms_.literal("0"), 0, TermStore::kUnlimited);
  if (inclusive) {
    const TermId equal[] = {prefix, fraction.empty() ? terms_.repeat(terms_.literal("0"), 1, -1) : zeros};
    ways.push_back(terms_.concat(equal));
    if (fraction.empty()) ways.push_back(TermStore::kEmpty);
  }
  const TermId beyond[] = {prefix, zeros, digit(1, 9), digits(0, TermStore::kUnlimited)};
  ways.push_back(terms_.concat(beyond));
  return terms_.either(std::move(ways));
}

/// Numbers without a sign above `bound`, which counts as not negative.
TermId NumberTerms::magnitude_above(const Decimal& bound, bool inclusive) {
  const TermId any_fraction = terms_.optional(terms_.concat(point_, digits(1, TermStore::kUnlimited)));
  const auto n = static_cast<int>(bound.whole.size());
  std::vector<TermId> ways;
  const TermId longer[] = {digit(1, 9), digits(n, TermStore::kUnlimited), any_fraction};
  ways.push_back(terms_.concat(longer));
  for (int i = 0; i < n; ++i) {
    const TermId greater[] = {terms_.literal(bound.whole.substr(0, static_cast<size_t>(i))),
                              digit(bound.whole[static_cast<size_t>(i)] - '0' + 1, 9), digits(n - i - 1, n - i - 1),
                              any_fraction};
    ways.push_back(terms_.concat(greater));
  }
  const TermId same = terms_.literal(bound.whole.empty() ? "0" : bound.whole);
  ways.push_back(terms_.concat(same, fraction_above(bound.fraction, inclusive)));
  return terms_.either(std::move(ways));
}

TermId NumberTerms::magnitude_below(const Decimal& bound, bool inclusive) {
  return terms_.both({magnitudes_, terms_.complement(magnitude_above(bound, !inclusive))});
}

TermId NumberTerms::at_least(const Decimal& bound, bool inclusive) {
  if (!bound.negative) return magnitude_above(bound, inclusive);
  const TermId small = terms_.both({positive_, magnitude_below(bound, inclusive)});
  return terms_.either({magnitudes_, minus(small)});
}

TermId NumberTerms::at_most(const Decimal& bound, bool inclusive) {
  return complement(at_least(bound, !inclusive));
}

TermId NumberTerms::exactly(const Decimal& number) {
  const TermId zeros = terms_.repeat(terms_.literal("0"), 0, TermStore::kUnlimited);
  const TermId whole = terms_.literal((number.negative ? "-" : "") + (number.whole.empty() ? "0" : number.whole));
  if (number.is_whole()) {
    return terms_.concat(whole, terms_.optional(terms_.concat(terms_.literal(".0"), zeros)));
  }
  const TermId parts[] = {whole, terms_.literal("." + number.fraction), zeros};
  return terms_.concat(parts);
}

Result<TermId> NumberTerms::multiple_of(const Decimal& divisor) {
  const std::string digits = divisor.whole + divisor.fraction;
  const size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
  if (divisor.negative || divisor.is_zero()) return Error("expected a number above 0");
  if (digits.size() - zeros > 9 || divisor.fraction.size() > 9) return Error("more than nine digits are not supported");
  const TermId multiple =
      terms_.multiple_of(std::stoi(digits.substr(zeros)), static_cast<int>(divisor.fraction.size()));
  return terms_.either({terms_.both({magnitudes_, multiple}), minus(terms_.both({positive_, multiple}))});
}

}  // namespace ondol::grammar
