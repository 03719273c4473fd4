// GBNF: the grammar notation of llama.cpp.
//
// Rules are put together from those that they refer to upwards, so that what is not recursive becomes few lexemes.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "text/grammar/builder_state.h"
#include "text/grammar/code_points.h"
#include "text/unicode.h"

namespace ondol {
namespace {

using grammar::CodePointSet;
using grammar::Node;
using grammar::TermStore;

constexpr size_t kMaxBytes = size_t{1} << 20;
constexpr int kMaxDepth = 200;
constexpr int kMaxCount = 1'000'000;
constexpr size_t kMaxItems = 100'000;

/// An expression as it was written.
struct Expression {
  enum class Kind { kText, kClass, kToken, kRule, kSequence, kChoice, kRepeat };
  Kind kind = Kind::kSequence;
  std::string text = {};  // kText; kToken: its text; kRule: its name
  CodePointSet set = {};  // kClass
  int token = -1;         // kToken: its id, where that is given
  bool negated = false;
  int least = 0;
  int most = 0;
  std::vector<Expression> parts = {};
};

struct Rule {
  std::string name;
  Expression meaning;
  size_t offset = 0;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<std::map<std::string, Rule>> read() {
    if (text_.size() > kMaxBytes)
      return Error(fmt::format("grammar: {} bytes are more than {}", text_.size(), kMaxBytes));
    if (!is_valid_utf8(text_)) return Error("grammar: not valid UTF-8");
    std::map<std::string, Rule> rules;
    skip_space(true);
    while (!done()) {
      Rule rule;
      rule.offset = at_;
      rule.name = name();
      if (rule.name.empty()) return fail("expected the name of a rule");
      skip_space(false);
      if (!take("::=")) return fail(fmt::format("expected '::=' behind '{}'", rule.name));
      skip_space(true);
      rule.meaning = ONDOL_TRY(choice(false));
      if (!done() && peek() != '\n' && peek() != '\r') return fail(fmt::format("unexpected '{}'", peek()));
      skip_space(true);
      const std::string name = rule.name;
      if (!rules.emplace(name, std::move(rule)).second) return fail(fmt::format("'{}' is defined twice", name));
    }
    return rules;
  }

  Error fail_at(size_t offset, const std::string& what) const {
    const std::string_view before = text_.substr(0, offset);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return Error(fmt::format("grammar: line {}, column {}: {}", line, offset - line_start + 1, what));
  }

 private:
  Error fail(const std::string& what) const { return fail_at(at_, what); }
  bool done() const { return at_ >= text_.size(); }
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool take(std::string_view text) {
    if (!text_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  void skip_space(bool over_lines) {
    while (!done()) {
      const char c = peek();
      if (c == '#') {
        while (!done() && peek() != '\n' && peek() != '\r') ++at_;
      } else if (c == ' ' || c == '\t' || (over_lines && (c == '\n' || c == '\r'))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  }

  std::string name() {
    const size_t start = at_;
    while (!done() && is_name(peek())) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  /// Inside parentheses lines may end anywhere.
  Result<Expression> choice(bool in_group) {
    if (++depth_ > kMaxDepth) return fail("groups are nested too deeply");
    Expression out{.kind = Expression::Kind::kChoice};
    do {
      skip_space(true);  // a line may end behind '|'
      out.parts.push_back(ONDOL_TRY(sequence(in_group)));
    } while (take("|"));
    --depth_;
    if (out.parts.size() == 1) return std::move(out.parts[0]);
    return out;
  }

  Result<Expression> sequence(bool in_group) {
    Expression out{.kind = Expression::Kind::kSequence};
    while (true) {
      skip_space(in_group);
      const char c = peek();
      if (done() || c == '|' || c == ')' || c == '\n' || c == '\r') break;
      // A rule may follow on the same line as the end of the one before it only behind a line end.
      Expression item = ONDOL_TRY(symbol());
      skip_space(in_group);
      ONDOL_TRY(repetitions(item));
      if (++n_items_ > kMaxItems) return fail("too large");
      out.parts.push_back(std::move(item));
    }
    if (out.parts.size() == 1) return std::move(out.parts[0]);
    return out;
  }

  Result<void> repetitions(Expression& item) {
    for (int n = 0;; ++n) {
      int least = 0;
      int most = TermStore::kUnlimited;
      if (take("+")) {
        least = 1;
      } else if (take("?")) {
        most = 1;
      } else if (take("{")) {
        ONDOL_TRY(bounds(least, most));
      } else if (!take("*")) {
        return {};
      }
      if (n == kMaxDepth) return fail("too many repetitions of one thing");
      Expression repeated{.kind = Expression::Kind::kRepeat, .least = least, .most = most};
      repeated.parts.push_back(std::move(item));
      item = std::move(repeated);
    }
  }

  Result<void> bounds(int& least, int& most) {
    skip_space(false);
    const bool has_least = std::isdigit(static_cast<unsigned char>(peek()));
    least = has_least ? ONDOL_TRY(number(kMaxCount)) : 0;
    most = least;
    skip_space(false);
    if (take(",")) {
      skip_space(false);
      most = std::isdigit(static_cast<unsigned char>(peek())) ? ONDOL_TRY(number(kMaxCount)) : TermStore::kUnlimited;
    } else if (!has_least) {
      return fail("expected a number");
    }
    skip_space(false);
    if (!take("}")) return fail("expected '}'");
    if (most >= 0 && most < least) return fail("the repetition's bounds are out of order");
    return {};
  }

  Result<int> number(int limit) {
    int64_t value = 0;
    if (!std::isdigit(static_cast<unsigned char>(peek()))) return fail("expected a number");
    while (std::isdigit(static_cast<unsigned char>(peek()))) {
      value = value * 10 + (text_[at_++] - '0');
      if (value > limit) return fail(fmt::format("numbers above {} are refused", limit));
    }
    return static_cast<int>(value);
  }

  Result<Expression> symbol() {
    const char c = peek();
    if (c == '"') return text();
    if (c == '[') return character_class();
    if (c == '<' || c == '!') return token();
    if (take(".")) return Expression{.kind = Expression::Kind::kClass, .set = CodePointSet::all()};
    if (take("(")) {
      Expression group = ONDOL_TRY(choice(true));
      skip_space(true);
      if (!take(")")) return fail("expected ')'");
      return group;
    }
    Expression rule{.kind = Expression::Kind::kRule};
    rule.least = static_cast<int>(at_);  // where it stands, for messages
    rule.text = name();
    if (rule.text.empty()) return fail(fmt::format("unexpected '{}'", c));
    return rule;
  }

  Result<Expression> text() {
    take("\"");
    Expression out{.kind = Expression::Kind::kText};
    while (!take("\"")) {
      if (done()) return fail("a text has no end");
      append_utf8(out.text, ONDOL_TRY(character()));
    }
    return out;
  }

  Result<Expression> character_class() {
    take("[");
    Expression out{.kind = Expression::Kind::kClass};
    const bool negated = take("^");
    while (!take("]")) {
      if (done()) return fail("'[' without ']'");
      const char32_t first = ONDOL_TRY(character());
      char32_t last = first;
      if (peek() == '-' && peek(1) != ']') {
        ++at_;
        if (done()) return fail("'[' without ']'");
        last = ONDOL_TRY(character());
      }
      if (last < first) return fail("a range is out of order");
      out.set.add(first, last);
    }
    if (negated) out.set = out.set.complement();
    return out;
  }

  /// One character, perhaps escaped.
  Result<char32_t> character() {
    if (!take("\\")) {
      const DecodedCharacter decoded = decode_utf8(text_, at_);
      at_ += decoded.size;
      return decoded.code;
    }
    if (done()) return fail("a backslash at the end");
    const char c = text_[at_++];
    switch (c) {
      case 'x':
        return hex(2);
      case 'u':
        return hex(4);
      case 'U':
        return hex(8);
      case 't':
        return U'\t';
      case 'r':
        return U'\r';
      case 'n':
        return U'\n';
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^':
        return static_cast<char32_t>(c);
      default:
        return fail(fmt::format("'\\{}' is no escape", c));
    }
  }

  Result<char32_t> hex(int n_digits) {
    char32_t code = 0;
    for (int i = 0; i < n_digits; ++i) {
      const char c = peek();
      if (!std::isxdigit(static_cast<unsigned char>(c)))
        return fail(fmt::format("expected {} hexadecimal digits", n_digits));
      code = code * 16 + static_cast<char32_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
      ++at_;
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return fail("not a character of Unicode");
    return code;
  }

  /// <[id]> or <text>, perhaps with '!' in front.
  Result<Expression> token() {
    Expression out{.kind = Expression::Kind::kToken};
    out.negated = take("!");
    const size_t start = at_;
    if (!take("<")) return fail("expected '<'");
    if (take("[")) {
      out.token = ONDOL_TRY(number(std::numeric_limits<int>::max()));
      if (!take("]>")) return fail("expected ']>'");
      return out;
    }
    while (!done() && peek() != '>' && peek() != '\n') ++at_;
    if (!take(">")) return fail("'<' without '>'");
    out.text = std::string(text_.substr(start, at_ - start));
    return out;
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  size_t n_items_ = 0;
};

/// Makes parts of expressions. Rules that are being made are forward parts; the others are done before they are used.
class Assembler {
 public:
  Assembler(GrammarBuilder::State& builder, const std::map<std::string, Rule>& rules, const Reader& reader)
      : builder_(builder), rules_(rules), reader_(reader) {}

  Result<int> rule(const std::string& start) {
    const auto root = rules_.find(start);
    if (root == rules_.end()) return Error(fmt::format("grammar: expected a rule '{}'", start));
    std::vector<std::pair<std::string, bool>> pending = {{start, false}};
    while (!pending.empty()) {
      const auto [name, parts_are_made] = pending.back();
      pending.pop_back();
      const Rule& rule = rules_.at(name);
      if (parts_are_made) {
        const int meaning = ONDOL_TRY(part(rule.meaning));
        const auto used_before = forward_.find(name);
        if (used_before != forward_.end()) builder_.define(used_before->second, meaning);
        made_[name] = meaning;
        continue;
      }
      if (!begun_.insert(name).second) continue;
      pending.emplace_back(name, true);
      std::vector<std::string> used;
      ONDOL_TRY(uses(rule.meaning, used));
      for (const std::string& other : used) {
        if (!begun_.contains(other)) pending.emplace_back(other, false);
      }
    }
    return made_.at(start);
  }

 private:
  Result<void> uses(const Expression& expression, std::vector<std::string>& names) const {
    if (expression.kind == Expression::Kind::kRule) {
      if (!rules_.contains(expression.text)) {
        return reader_.fail_at(static_cast<size_t>(expression.least),
                               fmt::format("there is no rule '{}'", expression.text));
      }
      names.push_back(expression.text);
    }
    for (const Expression& part : expression.parts) ONDOL_TRY(uses(part, names));
    return {};
  }

  Result<int> part(const Expression& expression) {
    grammar::TermStore& terms = builder_.terms;
    switch (expression.kind) {
      case Expression::Kind::kText:
        return builder_.add_lexeme(terms.literal(expression.text), false);
      case Expression::Kind::kClass:
        return builder_.add_lexeme(grammar::utf8_term(terms, expression.set), false);
      case Expression::Kind::kToken:
        return token(expression);
      case Expression::Kind::kRule:
        return rule_part(expression.text);
      case Expression::Kind::kRepeat:
        return builder_.repeat(ONDOL_TRY(part(expression.parts[0])), expression.least, expression.most);
      case Expression::Kind::kSequence:
      case Expression::Kind::kChoice:
        break;
    }
    std::vector<int> parts;
    for (const Expression& inner : expression.parts) parts.push_back(ONDOL_TRY(part(inner)));
    if (expression.kind == Expression::Kind::kChoice) return builder_.choice(std::move(parts));
    return builder_.sequence(std::move(parts));
  }

  int token(const Expression& expression) {
    Node node;
    node.kind = expression.negated      ? Node::Kind::kNotToken
                : expression.token >= 0 ? Node::Kind::kToken
                                        : Node::Kind::kSpecial;
    node.least = expression.token;
    node.text = expression.text;
    return builder_.add(std::move(node));
  }

  int rule_part(const std::string& name) {
    const auto made = made_.find(name);
    if (made != made_.end()) return made->second;
    const auto [forward, added] = forward_.emplace(name, 0);
    if (added) {
      forward->second = builder_.forward();
      builder_.nodes.back().text = name;
    }
    return forward->second;
  }

  GrammarBuilder::State& builder_;
  const std::map<std::string, Rule>& rules_;
  const Reader& reader_;
  std::map<std::string, int> made_;
  std::map<std::string, int> forward_;
  std::set<std::string> begun_;
};

}  // namespace

Result<GrammarPtr> grammar_from_gbnf(std::string_view text) {
  Reader reader(text);
  const auto rules = ONDOL_TRY(reader.read());
  GrammarBuilder::State builder;
  const int root = ONDOL_TRY(Assembler(builder, rules, reader).rule("root"));
  return builder.build(root);
}

}  // namespace ondol
