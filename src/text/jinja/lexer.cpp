#include "text/jinja/lexer.h"

#include <array>

#include <fmt/format.h>
#include <unicode/uchar.h>

#include "text/jinja/convert.h"
#include "text/jinja/unicode.h"

namespace ondol::jinja {
namespace {

constexpr size_t kNone = std::string_view::npos;

// Longer operators first.
constexpr std::array<std::string_view, 26> kOperators = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                         "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                         ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

std::string normalize_newlines(std::string_view source) {
  std::string result;
  result.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      result += '\n';
    } else {
      result += source[i];
    }
  }
  return result;
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  std::vector<Token> run() {
    while (pos_ < source_.size()) scan_data();
    tokens_.push_back({TokenKind::kEnd, here(), {}, {}});
    return std::move(tokens_);
  }

 private:
  // -- places ---------------------------------------------------------------------------------------------------------

  Position here() {
    for (; counted_ < pos_; ++counted_) {
      const char c = source_[counted_];
      if (c == '\n') {
        ++line_;
        column_ = 1;
      } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
        ++column_;
      }
    }
    return {line_, column_};
  }

  [[noreturn]] void fail(const std::string& message) { throw Failure(message, here()); }

  std::string_view rest() const { return std::string_view(source_).substr(pos_); }
  bool at(std::string_view text) const { return rest().starts_with(text); }

  void skip_space() { pos_ = source_.size() - strip_left(rest(), is_space).size(); }

  // -- text between tags
  // ------------------------------------------------------------------------------------------------

  // Finds the next {{, {% or {#.
  size_t find_tag() const {
    for (size_t i = source_.find('{', pos_); i != kNone && i + 1 < source_.size(); i = source_.find('{', i + 1)) {
      const char c = source_[i + 1];
      if (c == '{' || c == '%' || c == '#') return i;
    }
    return kNone;
  }

  void add_data(Position position, std::string_view text) {
    if (!text.empty()) tokens_.push_back({TokenKind::kData, position, std::string(text), {}});
  }

  // What lies before a tag, after the tag's sign and lstrip_blocks took their whitespace.
  std::string_view before_tag(std::string_view text, char sign, bool is_variable) const {
    if (sign == '-') return strip_right(text, is_space);
    if (sign == '+' || is_variable) return text;
    const size_t line_at = text.rfind('\n') + 1;  // npos + 1 is 0
    if (line_at == 0 && !line_starting_) return text;
    const std::string_view indent = text.substr(line_at);
    if (!indent.empty() && strip_left(indent, is_space).empty()) return text.substr(0, line_at);
    return text;
  }

  static char sign_of(char c) { return c == '-' || c == '+' ? c : '\0'; }

  void scan_data() {
    const Position start = here();
    const size_t tag = find_tag();
    if (tag == kNone) {
      add_data(start, rest());
      pos_ = source_.size();
      return;
    }
    const char type = source_[tag + 1];
    const char sign = tag + 2 < source_.size() ? sign_of(source_[tag + 2]) : '\0';
    add_data(start, before_tag(rest().substr(0, tag - pos_), sign, type == '{'));
    pos_ = tag;
    const Position position = here();
    pos_ = tag + (sign != '\0' ? 3 : 2);
    if (type == '#') {
      scan_comment(position);
    } else if (type == '%' && scan_raw(position)) {
      return;
    } else {
      const bool is_block = type == '%';
      tokens_.push_back({is_block ? TokenKind::kBlockBegin : TokenKind::kVariableBegin, position, {}, {}});
      scan_code(is_block);
    }
  }

  // Moves behind "-%}", "+%}" or "%}" and the whitespace that goes with it.
  void close(std::string_view end, char sign, bool trims_newline) {
    pos_ += end.size() + (sign != '\0' ? 1 : 0);
    if (sign == '-') skip_space();
    if (sign == '\0' && trims_newline && pos_ < source_.size() && source_[pos_] == '\n') ++pos_;
    line_starting_ = source_[pos_ - 1] == '\n';
  }

  void scan_comment(Position position) {
    const size_t end = source_.find("#}", pos_);
    if (pos_ == source_.size()) return;
    if (end == kNone) throw Failure("missing end of comment tag", position);
    const char sign = end > pos_ ? sign_of(source_[end - 1]) : '\0';
    pos_ = sign != '\0' ? end - 1 : end;
    close("#}", sign, true);
  }

  // At the inside of "{% raw %}": takes everything up to "{% endraw %}". Returns false if this is another block.
  bool scan_raw(Position position) {
    const size_t start = pos_;
    skip_space();
    if (!at("raw")) return pos_ = start, false;
    pos_ += 3;
    skip_space();
    const char sign = at("-%}") ? '-' : '\0';
    if (sign == '\0' && !at("%}")) return pos_ = start, false;
    close("%}", sign, false);
    const size_t body = pos_;
    if (body == source_.size()) return true;  // so Jinja2 has it; an unclosed comment at the very end is another case
    for (size_t tag = source_.find("{%", body); tag != kNone; tag = source_.find("{%", tag + 1)) {
      pos_ = tag + 2;
      const char begin_sign = pos_ < source_.size() ? sign_of(source_[pos_]) : '\0';
      if (begin_sign != '\0') ++pos_;
      skip_space();
      if (!at("endraw")) continue;
      pos_ += 6;
      skip_space();
      const char end_sign = at("-%}") ? '-' : at("+%}") ? '+' : '\0';
      if (end_sign == '\0' && !at("%}")) continue;
      add_data(position, before_tag(std::string_view(source_).substr(body, tag - body), begin_sign, false));
      close("%}", end_sign, true);
      return true;
    }
    throw Failure("missing end of raw directive", position);
  }

  // -- inside tags
  // --------------------------------------------------------------------------------------------------------

  // Takes the end of the tag if it is here. "{{ x +}}" is no end: only blocks know the plus sign.
  bool scan_end(bool is_block) {
    const std::string_view end = is_block ? "%}" : "}}";
    char sign = '\0';
    if (!at(end)) {
      sign = pos_ < source_.size() ? sign_of(source_[pos_]) : '\0';
      if (sign == '\0' || (sign == '+' && !is_block) || !rest().substr(1).starts_with(end)) return false;
    }
    tokens_.push_back({is_block ? TokenKind::kBlockEnd : TokenKind::kVariableEnd, here(), {}, {}});
    close(end, sign, is_block);
    return true;
  }

  void scan_code(bool is_block) {
    std::string open;  // the brackets that are open; the end of the tag only counts outside them
    while (pos_ < source_.size()) {
      const size_t before = pos_;
      skip_space();
      if (pos_ > before) continue;
      if (open.empty() && scan_end(is_block)) return;
      if (!scan_number() && !scan_name() && !scan_text()) scan_operator(open);
    }
  }

  static bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

  // Digits with single underscores between them, from `i`; returns where they end, or `i` if there are none.
  template <typename IsDigit>
  size_t digits_end(size_t i, IsDigit is_digit) const {
    size_t end = i;
    while (i < source_.size() && is_digit(source_[i])) {
      end = ++i;
      if (i + 1 < source_.size() && source_[i] == '_' && is_digit(source_[i + 1])) ++i;
    }
    return end;
  }

  bool scan_number() {
    if (!is_ascii_digit(source_[pos_])) return false;
    const Position position = here();
    size_t end = digits_end(pos_, is_ascii_digit);
    const size_t whole_end = end;
    const bool after_dot = pos_ > 0 && source_[pos_ - 1] == '.';
    if (!after_dot) {
      if (end < source_.size() && source_[end] == '.') {
        const size_t fraction = digits_end(end + 1, is_ascii_digit);
        if (fraction > end + 1) end = fraction;
      }
      if (end < source_.size() && (source_[end] | 0x20) == 'e') {
        const size_t sign = end + 1 < source_.size() && sign_of(source_[end + 1]) != '\0' ? 1 : 0;
        const size_t exponent = digits_end(end + 1 + sign, is_ascii_digit);
        if (exponent > end + 1 + sign) end = exponent;
      }
    }
    if (end > whole_end) {
      add_number(position, end, Value::real(*parse_real(source_.substr(pos_, end - pos_))));
      return true;
    }
    scan_integer(position, whole_end);
    return true;
  }

  void scan_integer(Position position, size_t end) {
    const char letter =
        source_[pos_] == '0' && pos_ + 1 < source_.size() ? static_cast<char>(source_[pos_ + 1] | 0x20) : '\0';
    const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
    if (base != 10) {
      const auto is_digit = [base](char c) {
        const int digit = is_ascii_digit(c)                        ? c - '0'
                          : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                                   : 99;
        return digit < base;
      };
      size_t start = pos_ + 2;
      if (start + 1 < source_.size() && source_[start] == '_' && is_digit(source_[start + 1])) ++start;
      const size_t digits = digits_end(start, is_digit);
      if (digits > start)
        return add_number(position, digits, Value::integer(*parse_integer(source_.substr(pos_, digits - pos_), base)));
    }
    // "007" is the number 0 and then, absurdly, the number 7; that is how Jinja2 reads it.
    if (source_[pos_] == '0') end = digits_end(pos_, [](char c) { return c == '0'; });
    add_number(position, end, Value::integer(*parse_integer(source_.substr(pos_, end - pos_), 10)));
  }

  void add_number(Position position, size_t end, Value value) {
    pos_ = end;
    const bool is_real = value.is(Kind::kFloat);
    tokens_.push_back({is_real ? TokenKind::kReal : TokenKind::kInteger, position, {}, std::move(value)});
  }

  bool scan_name() {
    size_t end = pos_;
    bool valid = true;
    while (end < source_.size()) {
      const size_t begin = end;
      const char32_t c = next_code_point(source_, end);
      if (!is_word(c) && !is_identifier_part(c)) {
        end = begin;
        break;
      }
      valid = valid && (begin == pos_ ? is_identifier_start(c) : is_identifier_part(c));
    }
    if (end == pos_) return false;
    if (!valid) fail("invalid character in identifier");
    tokens_.push_back({TokenKind::kName, here(), source_.substr(pos_, end - pos_), {}});
    pos_ = end;
    return true;
  }

  bool scan_text() {
    const char quote = source_[pos_];
    if (quote != '\'' && quote != '"') return false;
    size_t end = pos_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) return false;
    tokens_.push_back(
        {TokenKind::kText, here(), unescape(std::string_view(source_).substr(pos_ + 1, end - pos_ - 1)), {}});
    pos_ = end + 1;
    return true;
  }

  void scan_operator(std::string& open) {
    for (const std::string_view op : kOperators) {
      if (!at(op)) continue;
      const char c = op[0];
      if (c == '(' || c == '[' || c == '{') {
        if (open.size() >= static_cast<size_t>(kMaxSyntaxDepth)) fail("brackets are nested too deeply");
        open += c == '(' ? ')' : c == '[' ? ']' : '}';
      } else if (c == ')' || c == ']' || c == '}') {
        if (open.empty()) fail(fmt::format("unexpected '{}'", c));
        if (open.back() != c) fail(fmt::format("unexpected '{}', expected '{}'", c, open.back()));
        open.pop_back();
      }
      tokens_.push_back({TokenKind::kOperator, here(), std::string(op), {}});
      pos_ += op.size();
      return;
    }
    size_t end = pos_;
    next_code_point(source_, end);
    fail(fmt::format("unexpected character {}", repr_text(source_.substr(pos_, end - pos_))));
  }

  // -- string literals
  // ------------------------------------------------------------------------------------------------------

  // Python's escapes. An unknown one keeps its backslash.
  std::string unescape(std::string_view text) {
    std::string result;
    for (size_t i = 0; i < text.size();) {
      if (text[i] != '\\' || i + 1 >= text.size()) {
        result += text[i++];
        continue;
      }
      const char c = text[i + 1];
      i += 2;
      static constexpr std::string_view kFrom = "\\'\"abfnrtv";
      static constexpr std::string_view kTo = "\\'\"\a\b\f\n\r\t\v";
      const size_t simple = kFrom.find(c);
      if (simple != kNone) {
        result += kTo[simple];
      } else if (c == '\n') {
        continue;  // a line continued
      } else if (c >= '0' && c <= '7') {
        size_t end = i;
        while (end < text.size() && end < i + 2 && text[end] >= '0' && text[end] <= '7') ++end;
        append_code_point(result, code_of(text.substr(i - 1, end - i + 1), 8));
        i = end;
      } else if (c == 'x' || c == 'u' || c == 'U') {
        const size_t n_digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        if (i + n_digits > text.size()) fail(fmt::format("truncated \\{} escape", c));
        append_code_point(result, code_of(text.substr(i, n_digits), 16));
        i += n_digits;
      } else if (c == 'N') {
        append_code_point(result, named_character(text, i));
      } else {
        result += '\\';
        result += c;
      }
    }
    return result;
  }

  char32_t code_of(std::string_view digits, int base) {
    char32_t code = 0;
    for (const char c : digits) {
      const bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'f';
      if (!is_ascii_digit(c) && !letter) fail("an escape needs hexadecimal digits");
      code = code * static_cast<char32_t>(base) +
             static_cast<char32_t>(is_ascii_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) fail("an escape names no character");
    return code;
  }

  // \N{NAME}, with `i` behind the N.
  char32_t named_character(std::string_view text, size_t& i) {
    const size_t end = i < text.size() && text[i] == '{' ? text.find('}', i) : kNone;
    if (end == kNone) fail("malformed \\N character escape");
    UErrorCode status = U_ZERO_ERROR;
    const std::string name(text.substr(i + 1, end - i - 1));
    const UChar32 c = u_charFromName(U_UNICODE_CHAR_NAME, name.c_str(), &status);
    if (U_FAILURE(status)) fail("unknown Unicode character name");
    i = end + 1;
    return static_cast<char32_t>(c);
  }

  std::string source_;
  std::vector<Token> tokens_;
  size_t pos_ = 0;
  bool line_starting_ = true;  // whether what was read last ended a line
  size_t counted_ = 0;         // up to where line_ and column_ were counted
  uint32_t line_ = 1;
  uint32_t column_ = 1;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  if (source.size() > kMaxTemplateBytes) throw Failure("the template is too large");
  if (!is_valid_utf8(source)) throw Failure("the template is not valid UTF-8");
  std::string text = normalize_newlines(source);
  if (text.ends_with('\n')) text.pop_back();
  return Lexer(std::move(text)).run();
}

}  // namespace ondol::jinja
