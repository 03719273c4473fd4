#include "server/responses_lark.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <vector>

#include <fmt/format.h>

namespace ondol::server {
namespace {

constexpr size_t kMaxGrammarBytes = size_t{256} << 10;
constexpr size_t kMaxRegexBytes = size_t{256} << 10;
constexpr size_t kMaxAllBytes = size_t{4} << 20;
constexpr int kMaxDepth = 200;
constexpr int kMaxRepeats = 10000;

const std::map<std::string, std::string, std::less<>>& common_terminals() {
  static const std::map<std::string, std::string, std::less<>> terminals = {
      {"LF", R"(\n)"},
      {"CR", R"(\r)"},
      {"NEWLINE", R"((?:\r?\n)+)"},
      {"WS", R"([ \t\f\r\n]+)"},
      {"WS_INLINE", R"([ \t]+)"},
      {"DIGIT", "[0-9]"},
      {"HEXDIGIT", "[0-9A-Fa-f]"},
      {"INT", "[0-9]+"},
      {"SIGNED_INT", "[+-]?[0-9]+"},
      {"DECIMAL", R"((?:[0-9]+\.[0-9]*|\.[0-9]+))"},
      {"FLOAT", R"((?:[0-9]+[eE][+-]?[0-9]+|(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?))"},
      {"NUMBER", R"((?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?)"},
      {"SIGNED_NUMBER", R"([+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?)"},
      {"LCASE_LETTER", "[a-z]"},
      {"UCASE_LETTER", "[A-Z]"},
      {"LETTER", "[A-Za-z]"},
      {"WORD", "[A-Za-z]+"},
      {"CNAME", "[A-Za-z_][A-Za-z0-9_]*"},
      {"ESCAPED_STRING", R"("(?:[^"\\\n]|\\.)*")"},
  };
  return terminals;
}

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

struct Token {
  enum class Kind { kName, kString, kRegex, kSymbol, kLineEnd } kind = Kind::kSymbol;
  std::string text;  // of strings and regular expressions: as a regular expression
  size_t line = 1;
};

Error wrong(size_t line, std::string_view what) {
  return Error(fmt::format("line {}: {}", line, what));
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> tokens() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        add(Token::Kind::kLineEnd, "\n", 1);
        ++line_;
      } else if (c == ' ' || c == '\t' || c == '\r') {
        ++at_;
      } else if (c == '#' || text_.substr(at_, 2) == "//") {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == '"' || c == '/') {
        ONDOL_TRY(quoted(c));
      } else if (is_name_character(c)) {
        size_t n = 1;
        while (at_ + n < text_.size() && is_name_character(text_[at_ + n])) ++n;
        add(Token::Kind::kName, std::string(text_.substr(at_, n)), n);
      } else {
        const size_t n = text_.substr(at_, 2) == "->" || text_.substr(at_, 2) == ".." ? 2 : 1;
        add(Token::Kind::kSymbol, std::string(text_.substr(at_, n)), n);
      }
    }
    add(Token::Kind::kLineEnd, "\n", 0);
    return std::move(tokens_);
  }

 private:
  void add(Token::Kind kind, std::string text, size_t length) {
    tokens_.push_back({kind, std::move(text), line_});
    at_ += length;
  }

  Result<void> quoted(char quote) {
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size() || text_[end] != quote) return wrong(line_, fmt::format("expected a closing {}", quote));
    const std::string_view inner = text_.substr(at_ + 1, end - at_ - 1);
    size_t n = end + 1 - at_;
    const char flag = end + 1 < text_.size() ? text_[end + 1] : ' ';
    if (std::isalpha(static_cast<unsigned char>(flag)) != 0) {
      if (flag != 'u') return wrong(line_, fmt::format("the flag '{}' is not understood", flag));
      ++n;
    }
    if (quote == '/') {
      add(Token::Kind::kRegex, "(?:" + std::string(inner) + ")", n);
    } else {
      add(Token::Kind::kString, ONDOL_TRY(literal(inner)), n);
    }
    return {};
  }

  /// The characters of a string, each so that a regular expression means itself.
  Result<std::string> literal(std::string_view inner) const {
    static constexpr std::string_view kSpecial = R"(\^$.*+?()[]{}|)";
    std::string pattern;
    for (size_t i = 0; i < inner.size(); ++i) {
      char c = inner[i];
      if (c == '\\') {
        c = inner[++i];  // the closing quote would have been escaped otherwise: there is one
        if (std::string_view("ntrfv").find(c) != std::string_view::npos) {
          pattern += std::string("\\") + c;
          continue;
        }
        if (c == 'x' || c == 'u') {
          pattern += std::string("\\") + c;
          continue;
        }
        if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
          return wrong(line_, fmt::format("the escape \\{} is not understood", c));
        }
      }
      if (kSpecial.find(c) != std::string_view::npos) pattern += '\\';
      pattern += c;
    }
    return "(?:" + pattern + ")";
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t line_ = 1;
  std::vector<Token> tokens_;
};

class Translator {
 public:
  explicit Translator(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<std::string> translate() {
    ONDOL_TRY(find_rules());
    return rule("start", 1);
  }

 private:
  struct Rule {
    size_t begin = 0;  // of its tokens
    bool is_open = false;
    std::optional<std::string> pattern;
  };

  bool is_symbol(size_t at, std::string_view text) const {
    return at < tokens_.size() && tokens_[at].kind == Token::Kind::kSymbol && tokens_[at].text == text;
  }
  bool is_line_end(size_t at) const { return at >= tokens_.size() || tokens_[at].kind == Token::Kind::kLineEnd; }

  /// Where each rule's meaning begins; what stands between them is left for later.
  Result<void> find_rules() {
    for (size_t at = 0; at < tokens_.size(); ++at) {
      if (at > 0 && !is_line_end(at - 1)) continue;
      if (is_line_end(at) || is_symbol(at, "|")) continue;
      if (is_symbol(at, "%")) {
        ONDOL_TRY(statement(at + 1));
        continue;
      }
      size_t name = at;
      while (is_symbol(name, "?") || is_symbol(name, "!")) ++name;
      if (name >= tokens_.size() || tokens_[name].kind != Token::Kind::kName) continue;  // inside of a group
      size_t colon = name + 1;
      if (is_symbol(colon, ".")) colon += 2;  // its priority
      if (is_symbol(colon, "{")) return wrong(tokens_[name].line, "templates are not understood");
      if (!is_symbol(colon, ":")) continue;
      Rule found;
      found.begin = colon + 1;
      if (!rules_.emplace(tokens_[name].text, std::move(found)).second) {
        return wrong(tokens_[name].line, fmt::format("the rule '{}' comes twice", tokens_[name].text));
      }
    }
    return {};
  }

  /// %import common.LF, %import common (LF, WS), with "-> NAME".
  Result<void> statement(size_t at) {
    const size_t line = tokens_[std::min(at, tokens_.size() - 1)].line;
    if (is_line_end(at) || tokens_[at].text != "import") {
      return wrong(line, "of the statements, only %import common is understood");
    }
    if (is_line_end(++at) || tokens_[at].text != "common") return wrong(line, "only common terminals can be imported");
    std::vector<std::string> names;
    for (++at; !is_line_end(at); ++at) {
      if (tokens_[at].kind == Token::Kind::kName) names.push_back(tokens_[at].text);
      if (!is_symbol(at, "->") || is_line_end(at + 1) || names.empty()) continue;
      const std::string original = names.back();
      names.pop_back();
      ONDOL_TRY(import(original, tokens_[++at].text, line));
    }
    for (const std::string& name : names) ONDOL_TRY(import(name, name, line));
    return {};
  }

  Result<void> import(const std::string& original, const std::string& name, size_t line) {
    const auto terminal = common_terminals().find(original);
    if (terminal == common_terminals().end()) {
      return wrong(line, fmt::format("there is no common terminal '{}'", original));
    }
    rules_[name].pattern = "(?:" + terminal->second + ")";
    return {};
  }

  Result<std::string> rule(const std::string& name, size_t line) {
    const auto found = rules_.find(name);
    if (found == rules_.end()) return wrong(line, fmt::format("there is no rule '{}'", name));
    Rule& rule = found->second;
    if (rule.pattern) return *rule.pattern;
    if (rule.is_open) {
      return wrong(
          line,
          fmt::format("the rule '{}' contains itself: only grammars without recursion can be held to here", name));
    }
    rule.is_open = true;
    size_t at = rule.begin;
    std::string pattern = ONDOL_TRY(choice(at, 0));
    if (!is_line_end(at)) return wrong(tokens_[at].line, fmt::format("'{}' was not expected here", tokens_[at].text));
    rule.is_open = false;
    rule.pattern = "(?:" + pattern + ")";
    total_bytes_ += pattern.size();
    if (total_bytes_ > kMaxAllBytes) return Error("the grammar is too large");
    return *rule.pattern;
  }

  /// Alternatives, which may go on in the next lines.
  Result<std::string> choice(size_t& at, int depth) {
    if (++depth_ > kMaxDepth) return wrong(tokens_[std::min(at, tokens_.size() - 1)].line, "nested too deeply");
    std::string pattern;
    while (true) {
      pattern += ONDOL_TRY(sequence(at, depth));
      if (pattern.size() > kMaxRegexBytes) return Error("the grammar is too large");
      size_t next = at;
      while (next < tokens_.size() && is_line_end(next)) ++next;
      if (!is_symbol(next, "|")) {
        if (depth > 0) at = next;
        break;
      }
      pattern += '|';
      at = next + 1;
    }
    --depth_;
    return pattern;
  }

  Result<std::string> sequence(size_t& at, int depth) {
    std::string pattern;
    while (at < tokens_.size()) {
      if (depth > 0) {
        while (at < tokens_.size() && is_line_end(at)) ++at;
      }
      if (is_symbol(at, "->")) {
        at += 2;
        continue;
      }
      if (is_line_end(at) || is_symbol(at, "|") || is_symbol(at, ")") || is_symbol(at, "]")) break;
      pattern += ONDOL_TRY(repeated(at, depth));
      if (pattern.size() > kMaxRegexBytes) return Error("the grammar is too large");
    }
    return pattern;
  }

  Result<std::string> repeated(size_t& at, int depth) {
    std::string pattern = ONDOL_TRY(atom(at, depth));
    while (is_symbol(at, "?") || is_symbol(at, "*") || is_symbol(at, "+")) {
      pattern = "(?:" + pattern + tokens_[at++].text + ")";
    }
    if (!is_symbol(at, "~")) return pattern;
    const int least = ONDOL_TRY(count(at + 1));
    at += 2;
    if (!is_symbol(at, "..")) return fmt::format("(?:{}{{{}}})", pattern, least);
    const int most = ONDOL_TRY(count(at + 1));
    at += 2;
    return fmt::format("(?:{}{{{},{}}})", pattern, least, most);
  }

  Result<int> count(size_t at) const {
    const std::string text = at < tokens_.size() ? tokens_[at].text : "";
    const bool is_number =
        !text.empty() && text.size() < 6 && text.find_first_not_of("0123456789") == std::string::npos;
    const int number = is_number ? std::stoi(text) : kMaxRepeats + 1;
    if (number > kMaxRepeats)
      return wrong(tokens_[std::min(at, tokens_.size() - 1)].line, "expected a count behind '~'");
    return number;
  }

  Result<std::string> atom(size_t& at, int depth) {
    const Token token = tokens_[at++];
    switch (token.kind) {
      case Token::Kind::kString:
        if (!is_symbol(at, "..")) return token.text;
        return range(token, at);
      case Token::Kind::kRegex:
        return token.text;
      case Token::Kind::kName:
        return rule(token.text, token.line);
      default:
        break;
    }
    if (token.text != "(" && token.text != "[") {
      return wrong(token.line, fmt::format("'{}' was not expected here", token.text));
    }
    const std::string inner = ONDOL_TRY(choice(at, depth + 1));
    const bool is_optional = token.text == "[";
    if (!is_symbol(at, is_optional ? "]" : ")")) return wrong(token.line, "expected a closing bracket");
    ++at;
    return is_optional ? "(?:" + inner + ")?" : "(?:" + inner + ")";
  }

  /// "a".."z"
  Result<std::string> range(const Token& first, size_t& at) const {
    const auto single = [](const std::string& text) { return text.size() == 5 && is_name_character(text[3]); };
    const size_t last = at + 1;
    const bool fits = last < tokens_.size() && tokens_[last].kind == Token::Kind::kString && single(first.text) &&
                      single(tokens_[last].text);
    if (!fits) return wrong(first.line, "expected a range of letters or digits");
    at += 2;
    return fmt::format("[{}-{}]", first.text[3], tokens_[last].text[3]);
  }

  std::vector<Token> tokens_;
  std::map<std::string, Rule, std::less<>> rules_;
  int depth_ = 0;
  size_t total_bytes_ = 0;  // of the rules' patterns
};

}  // namespace

Result<std::string> regex_of_lark(std::string_view grammar) {
  if (grammar.size() > kMaxGrammarBytes) return Error("the grammar is too large");
  return Translator(ONDOL_TRY(Lexer(grammar).tokens())).translate();
}

}  // namespace ondol::server
