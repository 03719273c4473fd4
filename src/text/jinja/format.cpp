#include "text/jinja/format.h"

#include <fmt/format.h>

#include "text/jinja/access.h"
#include "text/jinja/convert.h"
#include "text/jinja/operators.h"
#include "text/jinja/unicode.h"

namespace ondol::jinja {
namespace {

bool is_digit_char(char c) { return c >= '0' && c <= '9'; }

// What %s and {} put into markup is escaped unless it is markup itself.
std::string shown(const Value& value, bool into_markup) {
  std::string text = to_text(value);
  return into_markup && !value.is_markup() ? escape_html(text) : text;
}

// -- percent --------------------------------------------------------------------------------------------------------------

class PercentFormatter {
 public:
  PercentFormatter(const Value& text, const Value& values) : text_(text.str()), markup_(text.is_markup()), values_(values) {}

  Value run() {
    while (i_ < text_.size()) {
      const size_t percent = std::min(text_.find('%', i_), text_.size());
      out_.append(text_.substr(i_, percent - i_));
      i_ = percent;
      if (i_ < text_.size()) convert();
    }
    const bool maps = values_.is_dict() || values_.is_sequence() || values_.is(Kind::kRange) || values_.is_undefined();
    if (values_.is(Kind::kTuple) ? next_ < values_.items().size() : !maps && next_ == 0) {
      throw Failure("not all arguments converted during string formatting");
    }
    return Value::text(out_.take(), markup_);
  }

 private:
  const Value& next_value() {
    if (!values_.is(Kind::kTuple)) {
      if (next_++ > 0) throw Failure("not enough arguments for format string");
      return values_;
    }
    if (next_ >= values_.items().size()) throw Failure("not enough arguments for format string");
    return values_.items()[next_++];
  }

  char take() {
    if (i_ >= text_.size()) throw Failure("incomplete format");
    return text_[i_++];
  }

  std::string take_size() {
    std::string digits;
    if (i_ < text_.size() && text_[i_] == '*') {
      ++i_;
      return std::to_string(index_from(next_value()));
    }
    while (i_ < text_.size() && is_digit_char(text_[i_])) digits += text_[i_++];
    return digits;
  }

  const Value& named_value() {
    const size_t close = text_.find(')', i_);
    if (close == std::string_view::npos) throw Failure("incomplete format key");
    const std::string_view key = text_.substr(i_, close - i_);
    i_ = close + 1;
    if (!values_.is_dict()) throw Failure("format requires a mapping");
    const Value* value = values_.dict().find(key);
    if (value == nullptr) throw Failure(fmt::format("the mapping of a format lacks the key {}", repr_text(key)));
    return *value;
  }

  // At a percent sign: %[(key)][flags][width][.precision]type.
  void convert() {
    ++i_;
    const Value* value = nullptr;
    if (i_ < text_.size() && text_[i_] == '(') {
      ++i_;
      value = &named_value();
    }
    std::string flags;
    while (i_ < text_.size() && std::string_view("-+ #0").find(text_[i_]) != std::string_view::npos) flags += text_[i_++];
    std::string width = take_size();
    bool has_precision = false;
    std::string precision;
    if (i_ < text_.size() && text_[i_] == '.') {
      ++i_;
      has_precision = true;
      precision = take_size();
      if (precision.empty()) precision = "0";
    }
    while (i_ < text_.size() && (text_[i_] == 'l' || text_[i_] == 'h' || text_[i_] == 'L')) ++i_;
    const char type = take();
    if (type == '%') {
      out_.append("%");
      return;
    }
    if (value == nullptr) value = &next_value();
    if (width.starts_with('-')) {
      flags += '-';
      width.erase(0, 1);
    }
    write(*value, type, flags, width, has_precision ? "." + precision : "");
  }

  void write(const Value& value, char type, const std::string& flags, const std::string& width, const std::string& precision) {
    const auto has = [&flags](char c) { return flags.find(c) != std::string::npos; };
    const bool is_text = type == 's' || type == 'r' || type == 'a' || (type == 'c' && value.is_text());
    std::string spec = has('-') ? "<" : is_text ? ">" : has('0') ? "0=" : ">";
    if (is_text) {
      std::string text = type == 's' || type == 'c' ? shown(value, markup_) : to_repr(value);
      if (type == 'a') text = escape_non_ascii(text);
      if (type == 'c' && count_code_points(text) != 1) throw Failure("%c requires int or char");
      out_.append(format_value(Value::text(text), spec + width + precision));
      return;
    }
    if (std::string_view("diuoxXeEfFgGc").find(type) == std::string_view::npos) {
      throw Failure(fmt::format("unsupported format character '{}'", type));
    }
    require_defined(value);
    if (!value.is_number()) throw Failure(fmt::format("%{} format: a number is required, not {}", type, value.type_name()));
    if (has('+')) spec += '+';
    if (!has('+') && has(' ')) spec += ' ';
    if (has('#')) spec += '#';
    const bool integral = std::string_view("diuoxXc").find(type) != std::string_view::npos;
    if (!integral) {
      out_.append(format_value(Value::real(value.as_real()), spec + width + precision + type));
      return;
    }
    const bool any_base = type == 'o' || type == 'x' || type == 'X' || type == 'c';
    if (any_base && !value.is_integer()) throw Failure(fmt::format("%{} format: an integer is required, not float", type));
    const Value number = Value::integer(value.is_integer() ? value.as_integer() : integer_from(value.as_real()));
    const char letter = type == 'i' || type == 'u' ? 'd' : type;
    if (precision.size() > 1 && type != 'c') return write_digits(number, letter, spec, width, precision.substr(1));
    out_.append(format_value(number, spec + width + letter));
  }

  // "%.5d": at least so many digits.
  void write_digits(const Value& number, char type, const std::string& spec, const std::string& width, const std::string& n_digits) {
    const bool negative = number.as_integer() < 0;
    const Value magnitude = Value::integer(negative ? -number.as_integer() : number.as_integer());
    std::string body = format_value(magnitude, "0" + n_digits + type);
    if (negative) body.insert(0, "-");
    if (!negative && spec.find('+') != std::string::npos) body.insert(0, "+");
    out_.append(format_value(Value::text(body), (spec[0] == '<' ? "<" : ">") + width));
  }

  const std::string_view text_;
  const bool markup_;
  const Value& values_;
  size_t i_ = 0;
  size_t next_ = 0;
  TextBuilder out_;
};

// -- braces ---------------------------------------------------------------------------------------------------------------

class BraceFormatter {
 public:
  BraceFormatter(const Value& text, const Arguments& arguments) : markup_(text.is_markup()), arguments_(arguments) {}

  std::string run(std::string_view text, int depth) {
    if (depth > 2) throw Failure("max string recursion exceeded");
    TextBuilder out;
    for (size_t i = 0; i < text.size();) {
      const char c = text[i];
      if (c != '{' && c != '}') {
        const size_t end = std::min(text.find_first_of("{}", i), text.size());
        out.append(text.substr(i, end - i));
        i = end;
      } else if (i + 1 < text.size() && text[i + 1] == c) {
        out.append(std::string_view(&c, 1));
        i += 2;
      } else if (c == '}') {
        throw Failure("single '}' encountered in format string");
      } else {
        const size_t end = field_end(text, i + 1);
        out.append(field(text.substr(i + 1, end - i - 1), depth));
        i = end + 1;
      }
    }
    return out.take();
  }

 private:
  static size_t field_end(std::string_view text, size_t i) {
    int open = 1;
    for (; i < text.size(); ++i) {
      if (text[i] == '{') ++open;
      if (text[i] == '}' && --open == 0) return i;
    }
    throw Failure("expected '}' before end of string");
  }

  std::string field(std::string_view text, int depth) {
    size_t name_end = 0;
    int brackets = 0;
    while (name_end < text.size() && (brackets > 0 || (text[name_end] != ':' && text[name_end] != '!'))) {
      if (text[name_end] == '[') ++brackets;
      if (text[name_end] == ']') --brackets;
      ++name_end;
    }
    Value value = lookup(text.substr(0, name_end));
    std::string_view rest = text.substr(name_end);
    bool converted = false;
    if (rest.starts_with('!')) {
      const char conversion = rest.size() > 1 ? rest[1] : '\0';
      if (conversion != 's' && conversion != 'r' && conversion != 'a') throw Failure("unknown conversion specifier in a format");
      std::string written = conversion == 's' ? to_text(value) : to_repr(value);
      if (conversion == 'a') written = escape_non_ascii(written);
      value = Value::text(written);
      converted = true;
      rest.remove_prefix(2);
      if (!rest.empty() && rest[0] != ':') throw Failure("expected ':' after conversion specifier");
    }
    std::string spec;
    if (rest.starts_with(':')) spec = run(rest.substr(1), depth + 1);
    std::string result = format_value(value, spec);
    return markup_ && !(value.is_markup() && !converted) ? escape_html(result) : result;
  }

  static bool is_number(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit_char); }

  const Value& positional(size_t index) const {
    if (index >= arguments_.positional.size()) throw Failure(fmt::format("replacement index {} out of range for positional args tuple", index));
    return arguments_.positional[index];
  }

  Value first(std::string_view name) {
    if (name.empty()) {
      if (numbering_ == Numbering::kManual) throw Failure("cannot switch from manual field specification to automatic field numbering");
      numbering_ = Numbering::kAutomatic;
      return positional(next_++);
    }
    if (is_number(name)) {
      if (numbering_ == Numbering::kAutomatic) throw Failure("cannot switch from automatic field numbering to manual field specification");
      numbering_ = Numbering::kManual;
      return positional(name.size() > 6 ? SIZE_MAX : std::stoul(std::string(name)));
    }
    const Value* value = arguments_.find(name);
    if (value == nullptr) throw Failure(fmt::format("a format names {}, which was not given", repr_text(name)));
    return *value;
  }

  Value lookup(std::string_view path) {
    const size_t end = std::min(path.find_first_of(".["), path.size());
    Value value = first(path.substr(0, end));
    for (size_t i = end; i < path.size();) {
      if (path[i] == '.') {
        const size_t stop = std::min(path.find_first_of(".[", i + 1), path.size());
        if (stop == i + 1) throw Failure("empty attribute in format string");
        value = attribute_of(value, std::string(path.substr(i + 1, stop - i - 1)));
        i = stop;
      } else if (path[i] == '[') {
        const size_t stop = path.find(']', i);
        if (stop == std::string_view::npos || stop == i + 1) throw Failure("malformed index in format string");
        const std::string_view key = path.substr(i + 1, stop - i - 1);
        value = item_of(value, is_number(key) && key.size() < 18 ? Value::integer(std::stoll(std::string(key))) : Value::text(std::string(key)));
        i = stop + 1;
      } else {
        throw Failure("only '.' or '[' may follow ']' in format field specifier");
      }
    }
    return value;
  }

  enum class Numbering { kUnknown, kAutomatic, kManual };
  const bool markup_;
  const Arguments& arguments_;
  Numbering numbering_ = Numbering::kUnknown;
  size_t next_ = 0;
};

}  // namespace

std::string escape_non_ascii(std::string_view repr) {
  std::string result;
  for (size_t offset = 0; offset < repr.size();) {
    const char32_t c = next_code_point(repr, offset);
    const auto number = static_cast<uint32_t>(c);
    if (c < 0x80) {
      result += static_cast<char>(c);
    } else {
      result += c < 0x100 ? fmt::format("\\x{:02x}", number) : c < 0x10000 ? fmt::format("\\u{:04x}", number) : fmt::format("\\U{:08x}", number);
    }
  }
  return result;
}

Value format_percent(const Value& text, const Value& values) { return PercentFormatter(text, values).run(); }

Value format_braces(const Value& text, const Arguments& arguments) {
  return Value::text(BraceFormatter(text, arguments).run(text.str(), 0), text.is_markup());
}

}  // namespace ondol::jinja
