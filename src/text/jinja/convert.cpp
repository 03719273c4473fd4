#include "text/jinja/convert.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "text/jinja/unicode.h"

namespace ondol::jinja {
namespace {

constexpr int kMaxReprDepth = 300;  // namespaces may hold themselves

void write_repr(const Value& value, TextBuilder& out, int depth);

void write_items(const std::vector<Value>& items, TextBuilder& out, int depth) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.append(", ");
    write_repr(items[i], out, depth);
  }
}

void write_dict(const Dict& dict, TextBuilder& out, int depth) {
  out.append("{");
  bool first = true;
  for (const auto& [key, value] : dict.pairs) {
    if (!first) out.append(", ");
    first = false;
    write_repr(key, out, depth);
    out.append(": ");
    write_repr(value, out, depth);
  }
  out.append("}");
}

void write_namespace(const Namespace& names, TextBuilder& out, int depth) {
  out.append("<Namespace {");
  bool first = true;
  for (const auto& [name, value] : names.attributes) {
    out.append(first ? "" : ", ").append(repr_text(name)).append(": ");
    first = false;
    write_repr(value, out, depth);
  }
  out.append("}>");
}

void write_range(const Range& range, TextBuilder& out) {
  out.append(range.step == 1 ? fmt::format("range({}, {})", range.start, range.stop)
                             : fmt::format("range({}, {}, {})", range.start, range.stop, range.step));
}

void write_object(const Value& value, TextBuilder& out, int depth) {
  switch (value.kind()) {
    case Kind::kUndefined:
      out.append("Undefined");
      break;
    case Kind::kList:
      out.append("[");
      write_items(value.items(), out, depth);
      out.append("]");
      break;
    case Kind::kTuple:
      out.append("(");
      write_items(value.items(), out, depth);
      out.append(value.items().size() == 1 ? ",)" : ")");
      break;
    case Kind::kDict:
      write_dict(value.dict(), out, depth);
      break;
    case Kind::kView:
      out.append(value.type_name()).append("([");
      write_items(collect(value), out, depth);
      out.append("])");
      break;
    case Kind::kRange:
      write_range(*value.get<Range>(), out);
      break;
    case Kind::kNamespace:
      write_namespace(*value.get<Namespace>(), out, depth);
      break;
    default:
      out.append(value.object()->repr());
  }
}

void write_repr(const Value& value, TextBuilder& out, int depth) {
  if (depth > kMaxReprDepth) throw Failure("a value is nested too deeply to be written");
  switch (value.kind()) {
    case Kind::kNone:
      out.append("None");
      break;
    case Kind::kBool:
      out.append(value.as_bool() ? "True" : "False");
      break;
    case Kind::kInt:
      out.append(repr_integer(value.as_integer()));
      break;
    case Kind::kFloat:
      out.append(repr_real(value.as_real()));
      break;
    case Kind::kText:
      out.append(value.is_markup() ? "Markup(" + repr_text(value.str()) + ")" : repr_text(value.str()));
      break;
    default:
      write_object(value, out, depth + 1);
  }
}

// A digit's value in any base up to 36, or -1.
int digit_value(char32_t c) {
  if (c >= '0' && c <= '9') return static_cast<int>(c - '0');
  if (c >= 'a' && c <= 'z') return static_cast<int>(c - 'a') + 10;
  if (c >= 'A' && c <= 'Z') return static_cast<int>(c - 'A') + 10;
  return -1;
}

// Removes the underscores that Python allows between digits; nothing if one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      result += text[i];
      continue;
    }
    const bool between = i > 0 && i + 1 < text.size() && digit_value(static_cast<unsigned char>(text[i - 1])) >= 0 &&
                         digit_value(static_cast<unsigned char>(text[i + 1])) >= 0;
    if (!between) return std::nullopt;
  }
  return result;
}

// Takes 0x, 0o or 0b off `text` where `base` allows it; base 0 is decided by it.
bool take_prefix(std::string_view& text, int& base) {
  if (text.size() < 2 || text[0] != '0') {
    if (base == 0) base = 10;
    return false;
  }
  const char letter = static_cast<char>(text[1] | 0x20);
  const int named = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
  if (named == 0 || (base != 0 && base != named)) {
    if (base == 0) base = 10;
    return false;
  }
  base = named;
  text.remove_prefix(2);
  return true;
}

Value checked_text(std::string_view text) {
  if (!is_valid_utf8(text)) throw Failure("a string of the context is not valid UTF-8");
  return Value::text(std::string(text));
}

}  // namespace

TextBuilder& TextBuilder::append(std::string_view text) {
  if (text_.size() + text.size() > kMaxTextBytes) throw Failure("a string is too long");
  text_ += text;
  return *this;
}

TextBuilder& TextBuilder::repeat(std::string_view text, size_t count) {
  if (text.empty()) return *this;
  if (count > (kMaxTextBytes - text_.size()) / text.size()) throw Failure("a string is too long");
  text_.reserve(text_.size() + text.size() * count);
  for (size_t i = 0; i < count; ++i) text_ += text;
  return *this;
}

std::string to_text(const Value& value) {
  if (value.is_text()) return std::string(value.str());
  if (value.is_undefined()) return {};
  return to_repr(value);
}

std::string to_repr(const Value& value) {
  TextBuilder out;
  write_repr(value, out, 0);
  return out.take();
}

std::string repr_integer(Integer value) {
  if (value >= INT64_MIN && value <= INT64_MAX) return std::to_string(static_cast<int64_t>(value));
  std::string digits;
  const bool negative = value < 0;
  for (; value != 0; value /= 10) {
    const int digit = static_cast<int>(value % 10);
    digits += static_cast<char>('0' + (digit < 0 ? -digit : digit));
  }
  if (negative) digits += '-';
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::string repr_real(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto scientific = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<size_t>(scientific.ptr - buffer));
  int exponent = 0;
  const size_t mark = text.find('e');
  const size_t digits_at = text[mark + 1] == '+' ? mark + 2 : mark + 1;
  std::from_chars(text.data() + digits_at, text.data() + text.size(), exponent);
  if (exponent < -4 || exponent >= 16) return std::string(text);
  const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  std::string result(buffer, fixed.ptr);
  if (result.find('.') == std::string::npos) result += ".0";
  return result;
}

std::string repr_text(std::string_view value) {
  const bool use_double = value.find('\'') != std::string_view::npos && value.find('"') == std::string_view::npos;
  const char quote = use_double ? '"' : '\'';
  std::string result(1, quote);
  for (size_t offset = 0; offset < value.size();) {
    const size_t begin = offset;
    const char32_t c = next_code_point(value, offset);
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      result += '\\';
      result += static_cast<char>(c);
    } else if (c == '\n' || c == '\r' || c == '\t') {
      result += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (is_printable(c)) {
      result += value.substr(begin, offset - begin);
    } else {
      const auto number = static_cast<uint32_t>(c);
      result += c < 0x100 ? fmt::format("\\x{:02x}", number) : c < 0x10000 ? fmt::format("\\u{:04x}", number) : fmt::format("\\U{:08x}", number);
    }
  }
  return result + quote;
}

std::optional<Integer> parse_integer(std::string_view text, int base) {
  text = strip_right(strip_left(text, is_space), is_space);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const int given = base;
  const bool prefixed = take_prefix(text, base);
  if (prefixed && text.starts_with('_')) text.remove_prefix(1);
  const auto digits = without_underscores(text);
  if (!digits || digits->empty()) return std::nullopt;
  if (given == 0 && !prefixed && (*digits)[0] == '0' && digits->find_first_not_of('0') != std::string::npos) return std::nullopt;
  constexpr Integer kLimit = Integer{1} << 120;
  Integer result = 0;
  for (size_t offset = 0; offset < digits->size();) {
    char32_t c = next_code_point(*digits, offset);
    if (c >= 0x80 && is_decimal(c)) {
      // Decimal digits of every script count; they come in blocks of ten that begin with a zero.
      char32_t zero = c;
      while (zero > c - 9 && is_decimal(zero - 1)) --zero;
      c = U'0' + (c - zero);
    }
    const int digit = digit_value(c);
    if (digit < 0 || digit >= base) return std::nullopt;
    result = result * base + digit;
    if (result > kLimit) throw Failure("an integer is too large");
  }
  return negative ? -result : result;
}

std::optional<double> parse_real(std::string_view text) {
  text = strip_right(strip_left(text, is_space), is_space);
  const auto digits = without_underscores(text);
  if (!digits || digits->empty()) return std::nullopt;
  std::string_view rest = *digits;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  const std::string lower = to_lower(rest);
  double value = 0;
  if (lower == "inf" || lower == "infinity" || lower == "nan") {
    value = lower == "nan" ? std::nan("") : HUGE_VAL;
  } else {
    if (rest.empty() || (rest[0] != '.' && digit_value(static_cast<unsigned char>(rest[0])) > 9)) return std::nullopt;
    if (rest[0] != '.' && (rest[0] < '0' || rest[0] > '9')) return std::nullopt;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error == std::errc::invalid_argument || end != rest.data() + rest.size()) return std::nullopt;
    if (error == std::errc::result_out_of_range) value = std::strtod(std::string(rest).c_str(), nullptr);
  }
  return negative ? -value : value;
}

std::string escape_html(std::string_view text) {
  TextBuilder out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out.append("&amp;");
        break;
      case '<':
        out.append("&lt;");
        break;
      case '>':
        out.append("&gt;");
        break;
      case '\'':
        out.append("&#39;");
        break;
      case '"':
        out.append("&#34;");
        break;
      default:
        out.append(std::string_view(&c, 1));
    }
  }
  return out.take();
}

Value from_json(const json::value& value, uint32_t depth) {
  if (depth >= kMaxValueDepth) throw Failure("the context is nested too deeply");
  switch (value.kind()) {
    case json::kind::null:
      return {};
    case json::kind::bool_:
      return Value::boolean(value.get_bool());
    case json::kind::int64:
      return Value::integer(value.get_int64());
    case json::kind::uint64:
      return Value::integer(value.get_uint64());
    case json::kind::double_:
      return Value::real(value.get_double());
    case json::kind::string:
      return checked_text(value.get_string());
    case json::kind::array: {
      std::vector<Value> items;
      for (const json::value& item : value.get_array()) items.push_back(from_json(item, depth + 1));
      return Value::list(std::move(items));
    }
    case json::kind::object: {
      Dict::Pairs pairs;
      for (const auto& [key, member] : value.get_object()) {
        pairs.emplace_back(checked_text(key), from_json(member, depth + 1));
      }
      return std::make_shared<Dict>(std::move(pairs));
    }
  }
  return {};
}

}  // namespace ondol::jinja
