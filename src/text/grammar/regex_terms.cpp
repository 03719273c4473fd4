#include "text/grammar/regex_terms.h"

#include <fmt/format.h>
#include <unicode/uniset.h>

#include <memory>

#include "text/unicode.h"

namespace ondol::grammar {
namespace {

constexpr size_t kMaxPatternBytes = 64 << 10;
constexpr int kMaxDepth = 200;
constexpr int kMaxCount = 1'000'000;

const CodePointSet kDigits = {{'0', '9'}};
const CodePointSet kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const CodePointSet kSpace = {{0x09, 0x0D},     {0x20, 0x20},     {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
                             {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
const CodePointSet kLineEnds = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

/// What a piece of the pattern matches, by whether that has to lie at the beginning of the text, and at its end.
struct Matched {
  TermId term[2][2] = {{TermStore::kNothing, TermStore::kNothing}, {TermStore::kNothing, TermStore::kNothing}};

  static Matched anywhere(TermId term) {
    Matched matched;
    matched.term[0][0] = term;
    return matched;
  }
  bool anchored() const { return (term[0][1] | term[1][0] | term[1][1]) != TermStore::kNothing; }
};

class Parser {
 public:
  Parser(TermStore& terms, std::string_view pattern, const CharacterTerm& character)
      : terms_(terms), pattern_(pattern), character_(character) {}

  Result<TermId> parse(RegexMeaning meaning) {
    if (pattern_.size() > kMaxPatternBytes) {
      return Error(fmt::format("pattern: {} bytes are more than {}", pattern_.size(), kMaxPatternBytes));
    }
    if (!is_valid_utf8(pattern_)) return Error("pattern: not valid UTF-8");
    const Matched matched = ONDOL_TRY(alternatives());
    if (at_ < pattern_.size()) return fail("')' without '('");
    const bool search = meaning == RegexMeaning::kSearch;
    const TermId around =
        search ? terms_.repeat(character_(CodePointSet::all()), 0, TermStore::kUnlimited) : TermStore::kEmpty;
    std::vector<TermId> ways;
    for (const bool at_begin : {false, true}) {
      for (const bool at_end : {false, true}) {
        const TermId parts[] = {at_begin ? TermStore::kEmpty : around, matched.term[at_begin][at_end],
                                at_end ? TermStore::kEmpty : around};
        ways.push_back(terms_.concat(parts));
      }
    }
    const TermId term = terms_.either(std::move(ways));
    if (terms_.overflowed()) return Error("pattern: too large");
    return term;
  }

 private:
  Error fail(std::string_view what) const {
    return Error(fmt::format("pattern '{}': at character {}: {}", pattern_.substr(0, 200), at_ + 1, what));
  }

  bool done() const { return at_ >= pattern_.size(); }
  char peek(size_t ahead = 0) const { return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0'; }
  bool take(std::string_view text) {
    if (!pattern_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  Result<Matched> alternatives() {
    if (++depth_ > kMaxDepth) return fail("groups are nested too deeply");
    std::vector<TermId> ways[2][2];
    do {
      const Matched way = ONDOL_TRY(sequence());
      for (const bool at_begin : {false, true}) {
        for (const bool at_end : {false, true}) ways[at_begin][at_end].push_back(way.term[at_begin][at_end]);
      }
    } while (take("|"));
    Matched all;
    for (const bool at_begin : {false, true}) {
      for (const bool at_end : {false, true}) all.term[at_begin][at_end] = terms_.either(ways[at_begin][at_end]);
    }
    --depth_;
    return all;
  }

  Result<Matched> sequence() {
    // From right to left, so that a long sequence is put together in linear time.
    std::vector<Matched> pieces;
    while (!done() && peek() != '|' && peek() != ')') pieces.push_back(ONDOL_TRY(piece()));
    Matched matched = Matched::anywhere(TermStore::kEmpty);
    for (size_t i = pieces.size(); i-- > 0;) matched = joined(pieces[i], matched);
    return matched;
  }

  /// What stands behind an end, or before a beginning, can only be empty.
  Matched joined(const Matched& first, const Matched& second) {
    if (!first.anchored() && !second.anchored()) {
      return Matched::anywhere(terms_.concat(first.term[0][0], second.term[0][0]));
    }
    const auto only_empty = [&](TermId term) {
      return terms_.is_nullable(term) ? TermStore::kEmpty : TermStore::kNothing;
    };
    Matched out;
    for (int ways = 0; ways < 16; ++ways) {
      const bool begin1 = ways & 1, end1 = ways & 2, begin2 = ways & 4, end2 = ways & 8;
      TermId a = first.term[begin1][end1];
      TermId b = second.term[begin2][end2];
      if (end1) b = only_empty(b);
      if (begin2) a = only_empty(a);
      TermId& to = out.term[begin1 || begin2][end1 || end2];
      to = terms_.either({to, terms_.concat(a, b)});
    }
    return out;
  }

  Result<Matched> piece() {
    if (take("^") || take("$")) {
      const bool at_end = pattern_[at_ - 1] == '$';
      if (!done() && (peek() == '*' || peek() == '+' || peek() == '?')) return fail("an anchor cannot be repeated");
      Matched anchor;
      anchor.term[!at_end][at_end] = TermStore::kEmpty;
      return anchor;
    }
    Matched matched = ONDOL_TRY(atom());
    int least = 1;
    int most = 1;
    if (!ONDOL_TRY(quantifier(least, most))) return matched;
    take("?");  // lazy: the same texts
    if (!matched.anchored()) return Matched::anywhere(terms_.repeat(matched.term[0][0], least, most));
    if (least != 0 || most != 1) return fail("anchors inside a repetition are not supported");
    matched.term[0][0] = terms_.optional(matched.term[0][0]);
    return matched;
  }

  /// Whether there is one. A brace that begins none is an ordinary character.
  Result<bool> quantifier(int& least, int& most) {
    if (take("*")) {
      least = 0;
      most = TermStore::kUnlimited;
    } else if (take("+")) {
      most = TermStore::kUnlimited;
    } else if (take("?")) {
      least = 0;
    } else if (peek() == '{') {
      const size_t start = at_;
      ++at_;
      const int first = number();
      int last = first;
      if (first >= 0 && take(",")) last = peek() == '}' ? TermStore::kUnlimited : number();
      if (first < 0 || (last < 0 && peek() != '}') || !take("}")) {
        at_ = start;
        return false;
      }
      if (first > kMaxCount || last > kMaxCount) return fail(fmt::format("counts above {} are refused", kMaxCount));
      if (last >= 0 && last < first) return fail("the repetition's bounds are out of order");
      least = first;
      most = last;
    } else {
      return false;
    }
    if (peek() == '*' || peek() == '+') return fail("nothing to repeat");
    return true;
  }

  int number() {
    if (peek() < '0' || peek() > '9') return -1;
    int64_t value = 0;
    while (peek() >= '0' && peek() <= '9')
      value = std::min<int64_t>(value * 10 + (pattern_[at_++] - '0'), kMaxCount + 1);
    return static_cast<int>(value);
  }

  Matched one_of(const CodePointSet& set) { return Matched::anywhere(character_(set)); }

  Result<Matched> atom() {
    const char c = peek();
    if (c == '(') return group();
    if (c == '[') return one_of(ONDOL_TRY(character_class()));
    if (c == '.') {
      ++at_;
      return one_of(kLineEnds.complement());
    }
    if (c == '*' || c == '+' || c == '?') return fail("nothing to repeat");
    if (c == '\\') return one_of(ONDOL_TRY(escape(false)));
    const DecodedCharacter character = decode_utf8(pattern_, at_);
    at_ += character.size;
    return one_of({{character.code, character.code}});
  }

  Result<Matched> group() {
    take("(");
    if (take("?")) {
      if (peek() == '=' || peek() == '!') return fail("look-ahead is not supported");
      if (peek() == '<' && (peek(1) == '=' || peek(1) == '!')) return fail("look-behind is not supported");
      if (take("<")) {
        while (!done() && peek() != '>') ++at_;
        if (!take(">")) return fail("a group's name has no end");
      } else if (!take(":")) {
        return fail("flags inside a pattern are not supported");
      }
    }
    const Matched matched = ONDOL_TRY(alternatives());
    if (!take(")")) return fail("'(' without ')'");
    return matched;
  }

  Result<CodePointSet> character_class() {
    take("[");
    const bool negated = take("^");
    CodePointSet set;
    while (true) {
      if (done()) return fail("'[' without ']'");
      if (take("]")) break;
      const CodePointSet first = ONDOL_TRY(class_member());
      const bool single = is_single(first);
      if (peek() != '-' || peek(1) == ']' || peek(1) == '\0') {
        set.add(first);
        continue;
      }
      take("-");
      const CodePointSet last = ONDOL_TRY(class_member());
      if (!single || !is_single(last)) return fail("a range needs a character at either end");
      const char32_t low = first.ranges()[0].first;
      const char32_t high = last.ranges()[0].first;
      if (low > high) return fail("a range is out of order");
      set.add(low, high);
    }
    return negated ? set.complement() : set;
  }

  static bool is_single(const CodePointSet& set) {
    return set.ranges().size() == 1 && set.ranges()[0].first == set.ranges()[0].last;
  }

  Result<CodePointSet> class_member() {
    if (done()) return fail("'[' without ']'");
    if (peek() == '\\') return escape(true);
    const DecodedCharacter character = decode_utf8(pattern_, at_);
    at_ += character.size;
    return CodePointSet{{character.code, character.code}};
  }

  Result<CodePointSet> escape(bool in_class) {
    take("\\");
    if (done()) return fail("a backslash at the end");
    const char c = pattern_[at_++];
    const auto single = [](char32_t code) { return CodePointSet{{code, code}}; };
    switch (c) {
      case 'd':
        return kDigits;
      case 'D':
        return kDigits.complement();
      case 'w':
        return kWord;
      case 'W':
        return kWord.complement();
      case 's':
        return kSpace;
      case 'S':
        return kSpace.complement();
      case 't':
        return single('\t');
      case 'n':
        return single('\n');
      case 'v':
        return single('\v');
      case 'f':
        return single('\f');
      case 'r':
        return single('\r');
      case '0':
        if (peek() < '0' || peek() > '9') return single(0);
        return fail("octal escapes are not supported");
      case 'b':
        if (in_class) return single('\b');
        return fail("word boundaries are not supported");
      case 'B':
        return fail("word boundaries are not supported");
      case 'k':
        return fail("back-references are not supported");
      case 'c':
        if ((peek() | 32) < 'a' || (peek() | 32) > 'z') return fail("\\c needs a letter");
        return single(static_cast<char32_t>(pattern_[at_++] & 31));
      case 'x':
        return single(ONDOL_TRY(hex(2)));
      case 'u':
        return single(ONDOL_TRY(unicode_escape()));
      case 'p':
      case 'P':
        return property(c == 'P');
      default:
        break;
    }
    if (c >= '1' && c <= '9') return fail("back-references are not supported");
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return fail(fmt::format("\\{} means nothing", c));
    --at_;
    const DecodedCharacter character = decode_utf8(pattern_, at_);
    at_ += character.size;
    return single(character.code);
  }

  Result<char32_t> hex(int n_digits) {
    char32_t code = 0;
    for (int i = 0; i < n_digits; ++i) {
      const char c = peek();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return fail(fmt::format("expected {} hexadecimal digits", n_digits));
      code = code * 16 + static_cast<char32_t>(digit);
      ++at_;
    }
    return code;
  }

  Result<char32_t> unicode_escape() {
    if (take("{")) {
      size_t n_digits = 0;
      while (std::isxdigit(static_cast<unsigned char>(peek(n_digits)))) ++n_digits;
      if (n_digits == 0 || n_digits > 6) return fail("expected one to six hexadecimal digits");
      const char32_t code = ONDOL_TRY(hex(static_cast<int>(n_digits)));
      if (!take("}") || code > 0x10FFFF) return fail("expected a code point up to 10FFFF and '}'");
      return code;
    }
    const char32_t code = ONDOL_TRY(hex(4));
    if (code < 0xD800 || code > 0xDFFF) return code;
    if (code < 0xDC00 && take("\\u")) {
      const char32_t low = ONDOL_TRY(hex(4));
      if (low >= 0xDC00 && low <= 0xDFFF) return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    return fail("half of a surrogate pair is no character");
  }

  Result<CodePointSet> property(bool negated) {
    const size_t end = pattern_.find('}', at_);
    if (!take("{") || end == std::string_view::npos) return fail("\\p needs a property in braces");
    const std::string_view name = pattern_.substr(at_, end - at_);
    // ICU's own patterns know more than ECMA-262's names, which consist of these characters alone.
    for (const char c : name) {
      if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '=')
        return fail("not a property of Unicode");
    }
    UErrorCode status = U_ZERO_ERROR;
    const std::string text = "[\\p{" + std::string(name) + "}]";
    const icu::UnicodeSet found(icu::UnicodeString::fromUTF8(text), status);
    if (U_FAILURE(status)) return fail("not a property of Unicode");
    at_ = end + 1;
    CodePointSet set;
    for (int32_t i = 0; i < found.getRangeCount(); ++i) {
      set.add(static_cast<char32_t>(found.getRangeStart(i)), static_cast<char32_t>(found.getRangeEnd(i)));
    }
    return negated ? set.complement() : set;
  }

  TermStore& terms_;
  std::string_view pattern_;
  const CharacterTerm& character_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<TermId> regex_term(TermStore& terms, std::string_view pattern, RegexMeaning meaning,
                          const CharacterTerm& character) {
  return Parser(terms, pattern, character).parse(meaning);
}

}  // namespace ondol::grammar
