#include "text/chat_format/loose_json.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/chat_format/text_feed.h"

namespace ondol::chat_format {
namespace {

constexpr size_t kMaxDepth = 128;  // what is deeper becomes null; parse_json reads 200
constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";

// Whether `word` is a number as JSON writes it.
bool is_json_number(std::string_view word) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t from = i;
    while (i < word.size() && word[i] >= '0' && word[i] <= '9') ++i;
    return i - from;
  };
  if (i < word.size() && word[i] == '-') ++i;
  const size_t first = i;
  const size_t whole = digits();
  if (whole == 0 || (whole > 1 && word[first] == '0')) return false;
  if (i < word.size() && word[i] == '.') {
    ++i;
    if (digits() == 0) return false;
  }
  if (i < word.size() && (word[i] == 'e' || word[i] == 'E')) {
    ++i;
    if (i < word.size() && (word[i] == '+' || word[i] == '-')) ++i;
    if (digits() == 0) return false;
  }
  return i == word.size();
}

std::string word_as_json(std::string_view word) {
  if (word == "true" || word == "True") return "true";
  if (word == "false" || word == "False") return "false";
  for (const std::string_view nothing : {"null", "None", "undefined", "NaN", "nan", "Infinity", "-Infinity"}) {
    if (word == nothing) return "null";
  }
  if (is_json_number(word)) return std::string(word);
  if (word.starts_with('+') && is_json_number(word.substr(1))) return std::string(word.substr(1));
  if (word.ends_with('.') && is_json_number(word.substr(0, word.size() - 1))) return std::string(word) + "0";
  if (word.starts_with('.') && is_json_number("0" + std::string(word))) return "0" + std::string(word);
  return json_string(word);
}

// Four hexadecimal digits at `at`, or -1.
int hex4(std::string_view text, size_t at) {
  if (text.size() < at + 4) return -1;
  int value = 0;
  for (size_t i = at; i < at + 4; ++i) {
    const size_t digit = kHexDigits.find(text[i]);
    if (digit == std::string_view::npos) return -1;
    value = value * 16 + static_cast<int>(digit < 16 ? digit : digit - 6);
  }
  return value;
}

bool is_closer(char c) {
  return c == '}' || c == ']' || c == ')';
}

}  // namespace

void append_escaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  append_escaped(text, out);
  out += '"';
  return out;
}

std::string loose_scalar(std::string_view text) {
  const size_t begin = skip_space(text);
  std::string_view trimmed = text.substr(begin);
  while (!trimmed.empty() && is_space(trimmed.back())) trimmed.remove_suffix(1);
  if (trimmed.empty()) return "null";
  LooseJson json;
  std::string out;
  const size_t taken = json.push(trimmed, true, out);
  if (json.is_done() && taken == trimmed.size()) return out;
  return json_string(trimmed);
}

LooseJson::LooseJson(LooseJsonOptions options) : options_(std::move(options)) {}

size_t LooseJson::push(std::string_view text, bool is_final, std::string& out) {
  size_t taken = 0;
  if (options_.keywords && levels_.empty() && !is_done_) open_level('(', out);
  while (!is_done_ && taken < text.size()) {
    const size_t count = step(text.substr(taken), is_final, out);
    if (count == 0) break;
    taken += count;
  }
  // A word that nothing follows is complete.
  if (is_final && !is_done_ && levels_.empty() && phase_ == Phase::kWord) word_step(" ", true, out);
  return taken;
}

size_t LooseJson::step(std::string_view text, bool is_final, std::string& out) {
  if (phase_ == Phase::kString) return string_step(text, is_final, out);
  if (phase_ == Phase::kWord) return word_step(text, is_final, out);
  const size_t space = skip_space(text);
  if (space > 0) return space;
  switch (phase_) {
    case Phase::kKey:
      return key_step(text, is_final, out);
    case Phase::kSeparator:
      return separator_step(text, is_final, out);
    case Phase::kComma:
      return comma_step(text, is_final, out);
    default:
      break;
  }
  if (is_closer(text[0]) && !levels_.empty()) {
    if (levels_.back().is_object) {  // a key without a value
      write("null", out);
      value_ended();
    }
    close_level(text[0], out);
    return 1;
  }
  if (text[0] == ',' && !levels_.empty()) {
    if (levels_.back().is_object) {
      write("null", out);
      value_ended();
    }
    if (levels_.back().is_object) phase_ = Phase::kKey;
    return 1;
  }
  if (text[0] == ',' || text[0] == ':' || text[0] == '=' || is_closer(text[0])) return 1;
  return opening(text, is_final, out);
}

bool LooseJson::begins_string(std::string_view text, bool& needs_text) const {
  if (text[0] == '"' || text[0] == '\'') return true;
  if (options_.quote.empty()) return false;
  const Match match = match_prefix(text, options_.quote, false);
  needs_text = match == Match::kNeedText;
  return match == Match::kYes;
}

// The first byte of a value.
size_t LooseJson::opening(std::string_view text, bool is_final, std::string& out) {
  bool needs_text = false;
  if (begins_string(text, needs_text)) {
    begin_item(out);
    end_quote_ = text[0] == '"' || text[0] == '\'' ? std::string(1, text[0]) : options_.quote;
    write("\"", out);
    phase_ = Phase::kString;
    return end_quote_.size();
  }
  if (needs_text) return 0;
  begin_item(out);
  if (text[0] == '{' || text[0] == '[' || text[0] == '(') {
    open_level(text[0], out);
    return 1;
  }
  word_.clear();
  phase_ = Phase::kWord;
  return word_step(text, is_final, out);
}

size_t LooseJson::string_step(std::string_view text, bool is_final, std::string& out) {
  const bool is_raw = end_quote_.size() > 1;
  const Match end = match_prefix(text, end_quote_, false);
  if (end == Match::kYes) {
    string_ended(out);
    return end_quote_.size();
  }
  if (end == Match::kNeedText) return is_final ? text.size() : 0;  // a quote that the end of the text cuts off
  if (!is_raw && text[0] == '\\') return escape_step(text, is_final, out);
  size_t count = 1;
  while (count < text.size() && text[count] != end_quote_[0] && (is_raw || text[count] != '\\')) ++count;
  std::string escaped;
  append_escaped(text.substr(0, count), escaped);
  write(escaped, out);
  return count;
}

// An escape that the end of the text cuts off is left out.
size_t LooseJson::escape_step(std::string_view text, bool is_final, std::string& out) {
  if (text.size() < 2) return is_final ? text.size() : 0;
  const char c = text[1];
  if (c == 'u') return unicode_escape(text, is_final, out);
  if (std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos) {
    write(text.substr(0, 2), out);
  } else if (c == '\'') {
    write("'", out);
  } else {
    write("\\\\", out);  // no escape: a backslash, and what follows is read again
    return 1;
  }
  return 2;
}

// \uXXXX; half of a surrogate pair on its own would not be JSON.
size_t LooseJson::unicode_escape(std::string_view text, bool is_final, std::string& out) {
  const bool may_continue =
      std::all_of(text.begin() + 2, text.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(text.size(), 6)),
                  [](char c) { return kHexDigits.find(c) != std::string_view::npos; });
  if (text.size() < 6 && may_continue) return is_final ? text.size() : 0;
  const int code = hex4(text, 2);
  if (code < 0) {
    write("\\\\", out);
    return 1;
  }
  if (code < 0xD800 || code > 0xDFFF) {
    write(text.substr(0, 6), out);
    return 6;
  }
  if (code < 0xDC00) {
    const std::string_view second = text.substr(6, 6);
    if (second.size() < 6 && (second.empty() || second[0] == '\\')) return is_final ? text.size() : 0;
    const int low = second.starts_with("\\u") ? hex4(second, 2) : -1;
    if (low >= 0xDC00 && low <= 0xDFFF) {
      write(text.substr(0, 12), out);
      return 12;
    }
  }
  write("\\ufffd", out);
  return 6;
}

size_t LooseJson::word_step(std::string_view text, bool is_final, std::string& out) {
  size_t count = 0;
  bool ended = false;
  while (count < text.size() && !ended) {
    const char c = text[count];
    ended = is_space(c) || is_closer(c) || std::string_view("{[(,:\"'").find(c) != std::string_view::npos ||
            (c == '=' && options_.keywords);
    if (!ended && !options_.quote.empty() && c == options_.quote[0]) {
      const Match match = match_prefix(text.substr(count), options_.quote, false);
      if (match == Match::kNeedText) break;
      ended = match == Match::kYes;
    }
    if (!ended) ++count;
  }
  word_ += text.substr(0, count);
  if (!ended) return count;
  if (key_is_open_) {
    key_ = options_.keywords && levels_.size() == 1 ? word_ : json_string(word_);
    key_is_open_ = false;
    phase_ = Phase::kSeparator;
  } else {
    write(word_as_json(word_), out);
    value_ended();
  }
  return count > 0 || is_done_ ? count : step(text, is_final, out);
}

size_t LooseJson::key_step(std::string_view text, bool is_final, std::string& out) {
  const char c = text[0];
  if (c == ',') return 1;
  if (is_closer(c)) {
    close_level(c, out);
    return 1;
  }
  const bool positional =
      options_.keywords && levels_.size() == 1 && next_positional_ < options_.positional_names.size();
  if (positional && (c == '{' || c == '[' || c == '(')) {
    key_ = json_string(options_.positional_names[next_positional_++]);
    finish_key(out);
    return opening(text, is_final, out);
  }
  bool needs_text = false;
  if (begins_string(text, needs_text)) {
    end_quote_ = c == '"' || c == '\'' ? std::string(1, c) : options_.quote;
    key_ = "\"";
    key_is_open_ = true;
    phase_ = Phase::kString;
    return end_quote_.size();
  }
  if (needs_text) return 0;
  if (std::string_view("{[(:=").find(c) != std::string_view::npos) return 1;
  word_.clear();
  key_is_open_ = true;
  phase_ = Phase::kWord;
  return word_step(text, is_final, out);
}

size_t LooseJson::separator_step(std::string_view text, bool is_final, std::string& out) {
  const char c = text[0];
  const bool top_keyword = options_.keywords && levels_.size() == 1;
  if (c == ':' || c == '=') {
    if (top_keyword && !key_.starts_with('"')) key_ = json_string(key_);
    finish_key(out);
    return 1;
  }
  if (c != ',' && !is_closer(c)) {
    bool needs_text = false;
    const bool is_string = !top_keyword && begins_string(text, needs_text);
    if (needs_text) return 0;
    if (!is_string) return 1;
    finish_key(out);  // the separator was forgotten
    return opening(text, is_final, out);
  }
  std::string value = "null";
  if (top_keyword && next_positional_ < options_.positional_names.size()) {
    value = key_.starts_with('"') ? key_ : word_as_json(key_);
    key_ = json_string(options_.positional_names[next_positional_++]);
  } else if (!key_.starts_with('"')) {
    key_ = json_string(key_);
  }
  finish_key(out);
  write(value, out);
  value_ended();
  return step(text, is_final, out);
}

size_t LooseJson::comma_step(std::string_view text, bool is_final, std::string& out) {
  const char c = text[0];
  if (is_closer(c)) {
    close_level(c, out);
    return 1;
  }
  bool needs_text = false;
  const bool is_string = begins_string(text, needs_text);
  if (needs_text) return 0;
  if (c == ',' || c == '{' || c == '[' || is_string) {  // an opener: the comma was forgotten
    phase_ = levels_.back().is_object ? Phase::kKey : Phase::kValue;
    return c == ',' ? 1 : step(text, is_final, out);
  }
  return 1;
}

void LooseJson::open_level(char opener, std::string& out) {
  const bool is_object = opener == '{' || (opener == '(' && options_.keywords && levels_.empty());
  if (muted_at_ == 0 && levels_.size() >= kMaxDepth) {
    write("null", out);
    muted_at_ = levels_.size();
  }
  write(is_object ? "{" : "[", out);
  levels_.push_back({opener == '{' ? '}' : opener == '[' ? ']' : ')', is_object});
  phase_ = is_object ? Phase::kKey : Phase::kValue;
}

void LooseJson::close_level(char closer, std::string& out) {
  const bool is_open = std::any_of(levels_.begin(), levels_.end(), [&](const Level& l) { return l.closer == closer; });
  if (!is_open) return;
  while (levels_.back().closer != closer) pop_level(out);
  pop_level(out);
}

void LooseJson::pop_level(std::string& out) {
  // A key whose value never came.
  if (levels_.back().is_object && phase_ == Phase::kValue) write("null", out);
  write(levels_.back().is_object ? "}" : "]", out);
  levels_.pop_back();
  if (muted_at_ != 0 && levels_.size() <= muted_at_) muted_at_ = 0;
  value_ended();
}

void LooseJson::value_ended() {
  phase_ = Phase::kComma;
  if (levels_.empty()) is_done_ = true;
}

void LooseJson::string_ended(std::string& out) {
  write("\"", out);
  if (!key_is_open_) return value_ended();
  key_is_open_ = false;
  phase_ = Phase::kSeparator;
}

// Before an item of a list; a member's comma comes with its key.
void LooseJson::begin_item(std::string& out) {
  if (levels_.empty() || levels_.back().is_object) return;
  if (levels_.back().has_items) write(", ", out);
  levels_.back().has_items = true;
}

void LooseJson::finish_key(std::string& out) {
  if (levels_.back().has_items) write(", ", out);
  levels_.back().has_items = true;
  write(key_, out);
  write(": ", out);
  key_.clear();
  phase_ = Phase::kValue;
}

void LooseJson::close(std::string& out) {
  if (is_done_) return;
  if (phase_ == Phase::kString) string_ended(out);
  if (phase_ == Phase::kWord) word_step(" ", true, out);
  if (is_done_) return;
  if (levels_.empty()) {
    write("null", out);
    value_ended();
    return;
  }
  while (!levels_.empty()) pop_level(out);
}

void LooseJson::write(std::string_view text, std::string& out) {
  if (key_is_open_) {
    key_ += text;
  } else if (muted_at_ == 0) {
    out += text;
  }
}

}  // namespace ondol::chat_format
