#include <cmath>

#include <fmt/format.h>

#include "text/jinja/convert.h"
#include "text/jinja/format.h"
#include "text/jinja/unicode.h"

namespace ondol::jinja {
namespace {

constexpr size_t kMaxWidth = 100'000;
constexpr size_t kMaxPrecision = 1000;

struct Spec {
  std::string fill = " ";
  char align = '\0';
  char sign = '-';
  bool alternate = false, zero = false;
  size_t width = 0;
  char grouping = '\0';
  bool has_precision = false;
  size_t precision = 0;
  char type = '\0';
};

bool is_align(char c) { return c == '<' || c == '>' || c == '=' || c == '^'; }

size_t take_number(std::string_view spec, size_t& i, size_t limit) {
  size_t number = 0;
  while (i < spec.size() && spec[i] >= '0' && spec[i] <= '9') {
    number = number * 10 + static_cast<size_t>(spec[i++] - '0');
    if (number > limit) throw Failure("a width or precision in a format is too large");
  }
  return number;
}

void take_fill_and_align(std::string_view text, size_t& i, Spec& spec) {
  if (text.empty()) return;
  size_t after = 0;
  next_code_point(text, after);
  if (after < text.size() && is_align(text[after])) {
    spec.fill = text.substr(0, after);
    spec.align = text[after];
    i = after + 1;
  } else if (is_align(text[0])) {
    spec.align = text[0];
    i = 1;
  }
}

Spec parse_spec(std::string_view text) {
  Spec spec;
  size_t i = 0;
  take_fill_and_align(text, i, spec);
  const auto take = [&](char c) { return i < text.size() && text[i] == c && (++i, true); };
  if (i < text.size() && (text[i] == '+' || text[i] == '-' || text[i] == ' ')) spec.sign = text[i++];
  spec.alternate = take('#');
  if (take('0')) {
    spec.zero = true;
    if (spec.align == '\0') {
      spec.fill = "0";
      spec.align = '=';
    }
  }
  spec.width = take_number(text, i, kMaxWidth);
  if (take(',')) spec.grouping = ',';
  if (take('_')) spec.grouping = '_';
  if (take('.')) {
    const size_t start = i;
    spec.has_precision = true;
    spec.precision = take_number(text, i, kMaxPrecision);
    if (i == start) throw Failure("format specifier missing precision");
  }
  if (i < text.size()) spec.type = text[i++];
  if (i < text.size()) throw Failure(fmt::format("invalid format specifier {}", repr_text(text)));
  return spec;
}

// Puts a separator between groups of digits of the whole part.
std::string group_digits(const std::string& digits, char separator, size_t group) {
  const size_t whole = std::min(digits.find_first_not_of("0123456789abcdefABCDEF"), digits.size());
  std::string result;
  for (size_t i = 0; i < whole; ++i) {
    if (i > 0 && (whole - i) % group == 0) result += separator;
    result += digits[i];
  }
  return result + digits.substr(whole);
}

std::string pad(const Spec& spec, const std::string& sign, const std::string& body, char default_align) {
  const size_t size = count_code_points(sign) + count_code_points(body);
  if (size >= spec.width) return sign + body;
  const size_t n = spec.width - size;
  const char align = spec.align == '\0' ? default_align : spec.align;
  TextBuilder out;
  if (align == '=') return out.append(sign).repeat(spec.fill, n).append(body).take();
  const size_t left = align == '<' ? 0 : align == '>' ? n : n / 2;
  return out.repeat(spec.fill, left).append(sign).append(body).repeat(spec.fill, n - left).take();
}

std::string sign_text(const Spec& spec, bool negative) {
  if (negative) return "-";
  return spec.sign == '-' ? "" : std::string(1, spec.sign);
}

std::string in_base(Integer value, unsigned base, bool upper) {
  std::string digits;
  do {
    const auto digit = static_cast<int>(value % base);
    digits += static_cast<char>(digit < 10 ? '0' + digit : (upper ? 'A' : 'a') + digit - 10);
    value /= base;
  } while (value != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::string format_integer(Integer value, const Spec& spec) {
  if (spec.has_precision) throw Failure("precision not allowed in integer format specifier");
  const bool negative = value < 0;
  if (negative) value = -value;
  if (spec.type == 'c') {
    if (negative || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) throw Failure("%c arg not in range(0x110000)");
    std::string one;
    append_code_point(one, static_cast<char32_t>(value));
    return pad(spec, "", one, '<');
  }
  const bool is_hex = spec.type == 'x' || spec.type == 'X';
  const unsigned base = is_hex ? 16 : spec.type == 'o' ? 8 : spec.type == 'b' ? 2 : 10;
  std::string body = in_base(value, base, spec.type == 'X');
  if (spec.grouping != '\0') body = group_digits(body, spec.grouping, base == 10 ? 3 : 4);
  std::string sign = sign_text(spec, negative);
  if (spec.alternate && base != 10) sign += std::string("0") + spec.type;
  return pad(spec, sign, body, '>');
}

std::string format_double(double value, const Spec& spec) {
  const bool negative = std::signbit(value) && !std::isnan(value);
  const double positive = std::fabs(value);
  std::string body;
  const char type = spec.type == 'n' ? 'g' : spec.type;
  if (type == '%') {
    body = format_real(positive * 100, 'f', spec.has_precision ? static_cast<int>(spec.precision) : 6, spec.alternate) + "%";
  } else if (type == '\0' && !spec.has_precision) {
    body = repr_real(positive);
  } else if (type == '\0') {
    body = format_real(positive, 'g', static_cast<int>(std::max<size_t>(1, spec.precision)), false);
    if (body.find_first_of(".en") == std::string::npos) body += ".0";
  } else {
    body = format_real(positive, type, spec.has_precision ? static_cast<int>(spec.precision) : 6, spec.alternate);
  }
  if (spec.grouping != '\0' && std::isfinite(value)) body = group_digits(body, spec.grouping, 3);
  return pad(spec, sign_text(spec, negative), body, '>');
}

}  // namespace

std::string format_real(double value, char type, int precision, bool alternate) {
  if (!std::isfinite(value)) {
    std::string text = std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
    return type >= 'A' && type <= 'Z' ? to_upper(text) : text;
  }
  precision = std::min(precision, static_cast<int>(kMaxPrecision));
  const char format[] = {'%', alternate ? '#' : '.', alternate ? '.' : '*', alternate ? '*' : type, alternate ? type : '\0', '\0'};
  const int size = std::snprintf(nullptr, 0, format, precision, value);
  std::string text(static_cast<size_t>(size), '\0');
  std::snprintf(text.data(), text.size() + 1, format, precision, value);
  return text;
}

std::string format_value(const Value& value, std::string_view text) {
  if (text.empty()) return to_text(value);
  const Spec spec = parse_spec(text);
  static constexpr std::string_view kIntegerTypes("\0bcdoxXn", 8);
  static constexpr std::string_view kRealTypes("\0eEfFgGn%", 9);
  const bool plain_bool = value.is(Kind::kBool) && spec.type == '\0';
  if (value.is_integer() && !plain_bool && kIntegerTypes.find(spec.type) != std::string_view::npos) return format_integer(value.as_integer(), spec);
  if (plain_bool) return pad(spec, "", spec.width > 0 ? repr_integer(value.as_integer()) : "True", '>');
  if (value.is_number() && kRealTypes.find(spec.type) != std::string_view::npos) return format_double(value.as_real(), spec);
  if (value.is_text() && (spec.type == '\0' || spec.type == 's')) {
    if (spec.align == '=' && !spec.zero) throw Failure("'=' alignment not allowed in string format specifier");
    Spec plain = spec;
    if (plain.align == '=') plain.align = '<';
    std::string_view shown = value.str();
    if (spec.has_precision) shown = shown.substr(0, byte_offset(shown, spec.precision));
    return pad(plain, "", std::string(shown), '<');
  }
  if (value.is_number() || value.is_text()) {
    throw Failure(fmt::format("unknown format code '{}' for object of type '{}'", spec.type, value.type_name()));
  }
  throw Failure(fmt::format("unsupported format string passed to {}.__format__", value.type_name()));
}

Value round_number(const Value& number, int64_t precision) {
  if (!number.is_number()) {
    require_defined(number);
    throw Failure(fmt::format("type {} cannot be rounded", number.type_name()));
  }
  if (number.is_integer()) {
    if (precision >= 0) return Value::integer(number.as_integer());
    if (precision < -36) return Value::integer(0);
    Integer unit = 1;
    for (int64_t i = precision; i < 0; ++i) unit *= 10;
    const Integer value = number.as_integer();
    Integer rest = value % unit;
    if (rest < 0) rest += unit;
    const Integer down = value - rest;
    const bool up = rest * 2 > unit || (rest * 2 == unit && (down / unit) % 2 != 0);
    return Value::integer(up ? down + unit : down);
  }
  const double value = number.as_real();
  if (!std::isfinite(value) || precision > 323) return number;
  if (precision < -308) return Value::real(std::copysign(0.0, value));
  if (precision >= 0) return Value::real(std::strtod(format_real(value, 'f', static_cast<int>(precision), false).c_str(), nullptr));
  const double unit = std::pow(10.0, static_cast<double>(-precision));
  return Value::real(std::nearbyint(value / unit) * unit);
}

}  // namespace ondol::jinja
