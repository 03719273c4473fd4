#include "text/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include "text/unicode.h"

namespace ondol {
namespace {

constexpr size_t kMaxPatternBytes = 64 << 10;
constexpr uint32_t kMatchLimit = 2'000'000;
constexpr uint32_t kHeapLimitKib = 64 << 10;
constexpr size_t kJitStackBytes = 1 << 20;

// White_Space, and Alphabetic | M | Nd | Pc as closely as properties of PCRE2 tell.
constexpr std::string_view kSpaceRanges =
    "\\t-\\r \\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}";
constexpr std::string_view kWordRanges = "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{24B6}-\\x{24E9}";
constexpr std::string_view kHexRanges = "0-9a-fA-F";

/// Memory for matching, one per thread: PCRE2 must not share it between simultaneous matches.
struct MatchMemory {
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = pcre2_jit_stack_create(32 << 10, kJitStackBytes, nullptr);

  MatchMemory() {
    pcre2_set_match_limit(context, kMatchLimit);
    pcre2_set_heap_limit(context, kHeapLimitKib);
    pcre2_jit_stack_assign(context, nullptr, stack);
  }
  ~MatchMemory() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
  }
  MatchMemory(const MatchMemory&) = delete;
  MatchMemory& operator=(const MatchMemory&) = delete;
};

/// Rewrites one pattern. Walks over it once; `atom_` is where the last complete atom starts in the output.
class Translator {
 public:
  explicit Translator(std::string_view pattern) : in_(pattern) {}

  std::string run() {
    while (at_ < in_.size()) step();
    return std::move(out_);
  }

 private:
  void step() {
    const char c = in_[at_];
    if (c == '\\') {
      atom_ = out_.size();
      escape(false);
    } else if (c == '[') {
      atom_ = out_.size();
      character_class();
    } else if (c == '(') {
      groups_.push_back(out_.size());
      copy(1);
    } else if (c == ')') {
      if (!groups_.empty()) {
        atom_ = groups_.back();
        groups_.pop_back();
      }
      copy(1);
    } else if (c == '{') {
      interval();
    } else {
      if (c != '*' && c != '+' && c != '?') atom_ = out_.size();
      copy(1);
    }
  }

  void copy(size_t n) {
    n = std::min(n, in_.size() - at_);
    out_.append(in_.substr(at_, n));
    at_ += n;
  }

  void put(bool inside_class, bool negated, std::string_view ranges) {
    at_ += 2;
    if (inside_class) {
      out_.append(ranges);
    } else {
      out_.append(negated ? "[^" : "[").append(ranges).append("]");
    }
  }

  void escape(bool inside_class) {
    const char next = at_ + 1 < in_.size() ? in_[at_ + 1] : '\0';
    switch (next) {
      case 's':
        return put(inside_class, false, kSpaceRanges);
      case 'w':
        return put(inside_class, false, kWordRanges);
      case 'h':
        return put(inside_class, false, kHexRanges);
      // A negated class inside a class has no other spelling; PCRE2's own is near enough there.
      case 'S':
        return inside_class ? copy(2) : put(false, true, kSpaceRanges);
      case 'W':
        return inside_class ? copy(2) : put(false, true, kWordRanges);
      case 'H':
        return inside_class ? copy(2) : put(false, true, kHexRanges);
      case 'u':
        if (at_ + 6 <= in_.size()) {
          out_.append("\\x{").append(in_.substr(at_ + 2, 4)).append("}");
          at_ += 6;
          return;
        }
        return copy(2);
      case 'p':
      case 'P':
      case 'x': {
        const size_t close = at_ + 2 < in_.size() && in_[at_ + 2] == '{' ? in_.find('}', at_) : std::string_view::npos;
        return copy(close == std::string_view::npos ? 2 : close + 1 - at_);
      }
      default:
        return copy(2);
    }
  }

  /// [A[B]] is a union: [AB]. [A&&[^B]] becomes (?:(?![B])[A]), and [A&&[B]] (?:(?=[B])[A]).
  void character_class() {
    const size_t begin = out_.size();
    copy(1);
    if (at_ < in_.size() && in_[at_] == '^') copy(1);
    if (at_ < in_.size() && in_[at_] == ']') copy(1);
    std::string conditions;
    int depth = 0;
    while (at_ < in_.size() && (in_[at_] != ']' || depth > 0)) {
      if (in_[at_] == ']') {
        --depth;
        ++at_;
      } else if (in_[at_] == '\\') {
        escape(true);
      } else if (in_.substr(at_, 2) == "[:") {
        const size_t close = in_.find(":]", at_);
        copy(close == std::string_view::npos ? 1 : close + 2 - at_);
      } else if (in_.substr(at_, 3) == "&&[") {
        at_ += 2;
        conditions += condition();
      } else if (in_[at_] == '[') {
        ++depth;
        ++at_;
      } else {
        copy(1);
      }
    }
    copy(1);
    if (!conditions.empty()) {
      out_.insert(begin, "(?:" + conditions);
      out_ += ')';
    }
  }

  std::string condition() {
    const bool negated = in_.substr(at_, 2) == "[^";
    std::string inner = "[";
    at_ += negated ? 2 : 1;
    std::string saved = std::exchange(out_, {});
    while (at_ < in_.size() && in_[at_] != ']') in_[at_] == '\\' ? escape(true) : copy(1);
    inner += std::exchange(out_, std::move(saved)) + "]";
    if (at_ < in_.size()) ++at_;
    return (negated ? "(?!" : "(?=") + inner + ")";
  }

  /// In Ruby's syntax a plus after {n,m} repeats; in PCRE2 it would make the interval possessive.
  void interval() {
    const size_t close = in_.find('}', at_);
    const bool repeats = close != std::string_view::npos && close + 1 < in_.size() && in_[close + 1] == '+';
    if (!repeats || atom_ == std::string::npos) return copy(1);
    copy(close + 1 - at_);
    out_.insert(atom_, "(?:");
    out_ += ')';
  }

  std::string_view in_;
  size_t at_ = 0;
  std::string out_;
  size_t atom_ = std::string::npos;
  std::vector<size_t> groups_;
};

}  // namespace

struct Regex::Compiled {
  pcre2_code* code;
  explicit Compiled(pcre2_code* compiled) : code(compiled) {}
  ~Compiled() { pcre2_code_free(code); }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
};

std::string translate_oniguruma(std::string_view pattern) {
  return Translator(pattern).run();
}

Result<Regex> Regex::compile(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    return Error(
        fmt::format("regular expression: expected at most {} bytes, got {}", kMaxPatternBytes, pattern.size()));
  }
  if (!is_valid_utf8(pattern)) return Error("regular expression: not valid UTF-8");
  const std::string translated = translate_oniguruma(pattern);
  int code = 0;
  size_t offset = 0;
  // In Oniguruma's Ruby syntax ^ and $ always match at lines.
  const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
  pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  pcre2_code* compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(), options,
                                       &code, &offset, context);
  pcre2_compile_context_free(context);
  if (compiled == nullptr) {
    PCRE2_UCHAR message[256];
    pcre2_get_error_message(code, message, sizeof message);
    return Error(fmt::format("regular expression '{}': {}", pattern, reinterpret_cast<const char*>(message)));
  }
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);  // without JIT the interpreter does the same, only slower
  Regex regex;
  regex.compiled_ = std::make_shared<const Compiled>(compiled);
  return regex;
}

void Regex::find_all(std::string_view text, std::vector<TextSpan>& matches) const {
  thread_local MatchMemory memory;
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  size_t start = 0;
  while (start <= text.size()) {
    const int found =
        pcre2_match(compiled_->code, subject, text.size(), start, PCRE2_NO_UTF_CHECK, memory.data, memory.context);
    if (found < 0) return;
    const size_t* ends = pcre2_get_ovector_pointer(memory.data);
    if (ends[1] < ends[0] || ends[1] < start) return;  // \K in a lookahead can make a match run backwards
    matches.push_back({static_cast<uint32_t>(ends[0]), static_cast<uint32_t>(ends[1])});
    start = ends[1];
    if (ends[0] == ends[1]) {
      if (start >= text.size()) return;
      start += decode_utf8(text, start).size;
    }
  }
}

}  // namespace ondol
