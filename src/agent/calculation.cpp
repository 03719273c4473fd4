#include "agent/calculation.h"

#include <cctype>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <boost/multiprecision/cpp_int.hpp>

namespace ondol {
namespace {

using Integer = boost::multiprecision::cpp_int;
using Rational = boost::multiprecision::cpp_rational;

constexpr size_t kMostCharacters = 1000;
constexpr int kMostDepth = 60;
constexpr unsigned kMostBits = 20000;
constexpr int kMostDecimals = 60;

/// Exact, or as near as a double is.
struct Number {
  bool is_exact = true;
  Rational exact = 0;
  double near = 0;

  static Number of(Rational value) { return {true, std::move(value), 0}; }
  static Number about(double value) { return {false, 0, value}; }
  double as_double() const { return is_exact ? exact.convert_to<double>() : near; }
};

unsigned bits_of(const Integer& value) {
  return value == 0 ? 0 : msb(abs(value)) + 1;
}

Result<Number> checked(Number number) {
  if (!number.is_exact) {
    if (!std::isfinite(number.near)) return Error("the result is no number, or too large");
    return number;
  }
  if (bits_of(numerator(number.exact)) > kMostBits || bits_of(denominator(number.exact)) > kMostBits)
    return Error("the result is too large");
  return number;
}

Integer floor_of(const Rational& value) {
  const Integer &above = numerator(value), &below = denominator(value);
  Integer whole = above / below;
  if (above % below != 0 && above < 0) --whole;
  return whole;
}

Result<Number> power(const Number& base, const Number& exponent) {
  if (base.is_exact && exponent.is_exact && denominator(exponent.exact) == 1) {
    const Integer n = abs(numerator(exponent.exact));
    const unsigned bits = std::max(bits_of(numerator(base.exact)), bits_of(denominator(base.exact)));
    const bool is_plain = base.exact == 0 || base.exact == 1 || base.exact == -1;
    if (exponent.exact < 0 && base.exact == 0) return Error("division by zero");
    if (is_plain) {
      const bool is_one = n == 0 || base.exact == 1 || (base.exact == -1 && n % 2 == 0);
      return Number::of(is_one ? Rational(1) : base.exact);
    }
    if (n > kMostBits || n * (bits - 1) > kMostBits) return Error("the result is too large");
    const auto times = n.convert_to<unsigned>();
    const Rational raised(pow(numerator(base.exact), times), pow(denominator(base.exact), times));
    return checked(Number::of(exponent.exact < 0 ? 1 / raised : raised));
  }
  return checked(Number::about(std::pow(base.as_double(), exponent.as_double())));
}

Result<Number> combine(char sign, const Number& a, const Number& b) {
  if (sign == '^') return power(a, b);
  const bool divides = sign == '/' || sign == '%';
  if (divides && b.as_double() == 0 && (!b.is_exact || b.exact == 0)) return Error("division by zero");
  if (a.is_exact && b.is_exact) {
    if (sign == '+') return checked(Number::of(a.exact + b.exact));
    if (sign == '-') return checked(Number::of(a.exact - b.exact));
    if (sign == '*') return checked(Number::of(a.exact * b.exact));
    if (sign == '/') return checked(Number::of(a.exact / b.exact));
    return checked(Number::of(a.exact - b.exact * floor_of(a.exact / b.exact)));
  }
  const double x = a.as_double(), y = b.as_double();
  if (sign == '+') return checked(Number::about(x + y));
  if (sign == '-') return checked(Number::about(x - y));
  if (sign == '*') return checked(Number::about(x * y));
  return checked(Number::about(sign == '/' ? x / y : x - y * std::floor(x / y)));
}

Result<Number> square_root(const Number& x) {
  if (x.is_exact && x.exact >= 0) {
    const Integer above = sqrt(numerator(x.exact)), below = sqrt(denominator(x.exact));
    if (above * above == numerator(x.exact) && below * below == denominator(x.exact))
      return Number::of(Rational(above, below));
  }
  return checked(Number::about(std::sqrt(x.as_double())));
}

/// Those that keep what is exact exact.
Result<Number> rounded(std::string_view name, const Number& x) {
  if (!x.is_exact) {
    return checked(Number::about(name == "floor"  ? std::floor(x.near)
                                 : name == "ceil" ? std::ceil(x.near)
                                 : name == "abs"  ? std::fabs(x.near)
                                                  : std::round(x.near)));
  }
  if (name == "abs") return Number::of(abs(x.exact));
  if (name == "floor") return Number::of(Rational(floor_of(x.exact)));
  if (name == "ceil") return Number::of(Rational(-floor_of(-x.exact)));
  const Rational half(1, 2);  // away from zero
  return Number::of(Rational(x.exact < 0 ? -floor_of(-x.exact + half) : floor_of(x.exact + half)));
}

Result<Number> call_function(std::string_view name, const std::vector<Number>& values) {
  if (name == "min" || name == "max") {
    Number best = values[0];
    for (const Number& value : values) {
      const bool is_less =
          value.is_exact && best.is_exact ? value.exact < best.exact : value.as_double() < best.as_double();
      const bool is_more =
          value.is_exact && best.is_exact ? value.exact > best.exact : value.as_double() > best.as_double();
      if (name == "min" ? is_less : is_more) best = value;
    }
    return best;
  }
  if (values.size() != 1) return Error(fmt::format("{}: expected one number", name));
  if (name == "sqrt") return square_root(values[0]);
  if (name == "floor" || name == "ceil" || name == "round" || name == "abs") return rounded(name, values[0]);
  struct Function {
    std::string_view name;
    double (*value)(double);
  };
  constexpr Function kFunctions[] = {{"exp", std::exp},   {"ln", std::log},  {"log", std::log10}, {"log10", std::log10},
                                     {"log2", std::log2}, {"sin", std::sin}, {"cos", std::cos},   {"tan", std::tan}};
  for (const Function& function : kFunctions) {
    if (function.name == name) return checked(Number::about(function.value(values[0].as_double())));
  }
  return Error(fmt::format("{}: no such function", name));
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Number> whole() {
    Number number = ONDOL_TRY(sum(0));
    if (at_ != text_.size()) return unexpected();
    return number;
  }

 private:
  void skip_spaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }

  bool take(std::string_view sign) {
    skip_spaces();
    if (!text_.substr(at_).starts_with(sign)) return false;
    at_ += sign.size();
    skip_spaces();
    return true;
  }

  Error unexpected() const {
    return Error(at_ >= text_.size() ? "expected a number at the end"
                                     : fmt::format("'{}' at character {} was not expected; write products with *",
                                                   text_[at_], at_ + 1));
  }

  Result<Number> sum(int depth) {
    if (depth > kMostDepth) return Error("too many brackets");
    Number left = ONDOL_TRY(product(depth));
    while (true) {
      const char sign = take("+") ? '+' : take("-") || take("\u2212") ? '-' : '\0';
      if (sign == '\0') return left;
      left = ONDOL_TRY(combine(sign, left, ONDOL_TRY(product(depth))));
    }
  }

  Result<Number> product(int depth) {
    Number left = ONDOL_TRY(signed_power(depth));
    while (true) {
      char sign = '\0';
      skip_spaces();
      if (!text_.substr(at_).starts_with("**") && (take("*") || take("\u00D7")))
        sign = '*';
      else if (take("/") || take("\u00F7"))
        sign = '/';
      else if (take("%"))
        sign = '%';
      if (sign == '\0') return left;
      left = ONDOL_TRY(combine(sign, left, ONDOL_TRY(signed_power(depth))));
    }
  }

  Result<Number> signed_power(int depth) {
    if (depth > kMostDepth) return Error("too many signs");
    if (take("+")) return signed_power(depth + 1);
    if (take("-") || take("\u2212")) return combine('-', Number(), ONDOL_TRY(signed_power(depth + 1)));
    Number base = ONDOL_TRY(atom(depth));
    if (take("^") || take("**")) return power(base, ONDOL_TRY(signed_power(depth + 1)));
    return base;
  }

  Result<Number> atom(int depth) {
    skip_spaces();
    if (take("(")) {
      Number inner = ONDOL_TRY(sum(depth + 1));
      if (!take(")")) return unexpected();
      return inner;
    }
    if (at_ < text_.size() && (std::isdigit(static_cast<unsigned char>(text_[at_])) || text_[at_] == '.'))
      return literal();
    const size_t begin = at_;
    while (at_ < text_.size() && std::isalnum(static_cast<unsigned char>(text_[at_]))) ++at_;
    if (begin == at_) return unexpected();
    const std::string_view name = text_.substr(begin, at_ - begin);
    if (name == "pi") return Number::about(M_PI);
    if (name == "e") return Number::about(M_E);
    if (!take("(")) return Error(fmt::format("'{}': expected a number or a function", name));
    std::vector<Number> values;
    do values.push_back(ONDOL_TRY(sum(depth + 1)));
    while (take(","));
    if (!take(")")) return unexpected();
    return call_function(name, values);
  }

  /// Digits, perhaps with a point, an exponent, and _ between thousands.
  Result<Number> literal() {
    Integer digits = 0;
    int decimals = 0, n_digits = 0;
    bool is_behind_point = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (std::isdigit(static_cast<unsigned char>(c))) {
        digits = digits * 10 + (c - '0');
        ++n_digits;
        decimals += is_behind_point ? 1 : 0;
      } else if (c == '.' && !is_behind_point) {
        is_behind_point = true;
      } else if (c != '_') {
        break;
      }
    }
    if (n_digits == 0) return unexpected();
    int exponent = 0;
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) exponent = ONDOL_TRY(exponent_of_literal());
    const int tens = exponent - decimals;
    const Integer scale = pow(Integer(10), static_cast<unsigned>(std::abs(tens)));
    return checked(Number::of(tens < 0 ? Rational(digits, scale) : Rational(digits * scale)));
  }

  Result<int> exponent_of_literal() {
    ++at_;
    const bool is_negative = at_ < text_.size() && text_[at_] == '-';
    if (at_ < text_.size() && (text_[at_] == '-' || text_[at_] == '+')) ++at_;
    int exponent = 0;
    const size_t begin = at_;
    for (; at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])); ++at_)
      exponent = std::min(exponent * 10 + (text_[at_] - '0'), 100000);
    if (begin == at_) return unexpected();
    if (exponent > 4000) return Error("a number is too large");
    return is_negative ? -exponent : exponent;
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::string text_of(const Rational& value) {
  if (denominator(value) == 1) return numerator(value).str();
  // Decimals end where the denominator has no other factors than 2 and 5.
  Integer rest = denominator(value);
  int twos = 0, fives = 0;
  for (; rest % 2 == 0; rest /= 2) ++twos;
  for (; rest % 5 == 0; rest /= 5) ++fives;
  const int decimals = std::max(twos, fives);
  if (rest != 1 || decimals > kMostDecimals) {
    const std::string fraction = numerator(value).str() + "/" + denominator(value).str();
    const std::string near = fmt::format("{:.15g}", value.convert_to<double>());
    return fraction.size() > 60 ? "about " + near : fmt::format("{} = {}...", fraction, near);
  }
  const Integer scaled = abs(numerator(value)) * pow(Integer(10), static_cast<unsigned>(decimals)) / denominator(value);
  std::string digits = scaled.str();
  if (digits.size() <= static_cast<size_t>(decimals))
    digits.insert(0, static_cast<size_t>(decimals) + 1 - digits.size(), '0');
  digits.insert(digits.size() - static_cast<size_t>(decimals), ".");
  return (value < 0 ? "-" : "") + digits;
}

}  // namespace

Result<std::string> calculate(std::string_view expression) {
  if (expression.size() > kMostCharacters) return Error(fmt::format("expected at most {} characters", kMostCharacters));
  const Number number = ONDOL_TRY(Parser(expression).whole());
  return number.is_exact ? text_of(number.exact) : fmt::format("about {:.15g}", number.near);
}

}  // namespace ondol
