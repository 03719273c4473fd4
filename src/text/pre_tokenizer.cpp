#include "text/pre_tokenizer.h"

#include <fmt/format.h>

#include "text/byte_level.h"
#include "text/unicode.h"

namespace ondol {
namespace {

using Kind = PreTokenizerStep::Kind;
using Behavior = PreTokenizerStep::Behavior;

constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

bool is_bert_punctuation(char32_t code) {
  return is_ascii_punctuation(code) || (is_punctuation(code) && is_in_unicode_8(code));
}

/// What a character is to the steps that look at single characters.
enum class Role { kWord, kMatch, kOther };

Role role_of(const PreTokenizerStep& spec, char32_t code) {
  switch (spec.kind) {
    case Kind::kDigits:
      return is_numeric(code) ? Role::kMatch : Role::kWord;
    case Kind::kPunctuation:
      return is_bert_punctuation(code) ? Role::kMatch : Role::kWord;
    case Kind::kWhitespaceSplit:
      return is_whitespace(code) ? Role::kMatch : Role::kWord;
    case Kind::kWhitespace:
      if (is_whitespace(code)) return Role::kMatch;
      return is_word(code) ? Role::kWord : Role::kOther;
    case Kind::kBert:
      if (is_whitespace(code)) return Role::kMatch;
      return is_bert_punctuation(code) ? Role::kOther : Role::kWord;
    default:
      return Role::kWord;
  }
}

void push_span(std::vector<TextSpan>& words, size_t begin, size_t end) {
  if (end > begin) words.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
}

/// Words and runs (kWhitespace) or single characters (kBert) of kOther; kMatch is dropped.
void split_by_role(const PreTokenizerStep& spec, std::string_view text, TextSpan span, std::vector<TextSpan>& words) {
  size_t begin = span.begin;
  Role current = Role::kMatch;
  for (size_t at = span.begin; at < span.end;) {
    const DecodedCharacter character = decode_utf8(text, at);
    const Role role = role_of(spec, character.code);
    const bool alone = role == Role::kOther && spec.kind == Kind::kBert;
    if (role != current || alone) {
      if (current != Role::kMatch) push_span(words, begin, at);
      begin = at;
      current = role;
    }
    at += character.size;
  }
  if (current != Role::kMatch) push_span(words, begin, span.end);
}

void split_by_length(const PreTokenizerStep& spec, std::string_view text, TextSpan span, std::vector<TextSpan>& words) {
  size_t begin = span.begin;
  int n = 0;
  for (size_t at = span.begin; at < span.end;) {
    at += decode_utf8(text, at).size;
    if (++n < spec.length) continue;
    push_span(words, begin, at);
    begin = at;
    n = 0;
  }
  push_span(words, begin, span.end);
}

}  // namespace

Result<PreTokenizer> PreTokenizer::create(const std::vector<PreTokenizerStep>& steps, bool keep_bytes) {
  PreTokenizer result;
  for (size_t i = 0; i < steps.size(); ++i) {
    Step step;
    step.spec = steps[i];
    PreTokenizerStep& spec = step.spec;
    if (spec.kind == Kind::kFixedLength && spec.length < 1) {
      return Error(fmt::format("pre-tokeniser: expected a length of at least 1, got {}", spec.length));
    }
    if (spec.kind == Kind::kSplit && spec.is_regex) {
      if (spec.behavior == Behavior::kIsolated && !spec.invert) step.scanner = find_scanner(spec.pattern);
      step.use_engine = step.scanner == nullptr;
      if (step.use_engine) step.regex = ONDOL_TRY(Regex::compile(spec.pattern).in("pre-tokeniser"));
    }
    if (spec.kind == Kind::kByteLevel) {
      if (spec.use_regex) step.scanner = find_scanner(kGpt2Pattern);
      step.to_alphabet = !keep_bytes || i + 1 != steps.size();
    }
    result.steps_.push_back(std::move(step));
  }
  return result;
}

void PreTokenizer::cut(std::string& text, bool at_start, std::vector<TextSpan>& words) const {
  words.clear();
  push_span(words, 0, text.size());
  for (const Step& step : steps_) {
    const Kind kind = step.spec.kind;
    if (kind == Kind::kMetaspace) rewrite_words(Rewrite::kMetaspace, step.spec, at_start, text, words);
    if (kind == Kind::kByteLevel && step.spec.add_prefix_space) {
      rewrite_words(Rewrite::kPrefixSpace, step.spec, at_start, text, words);
    }
    split_words(step, text, words);
    if (step.to_alphabet) rewrite_words(Rewrite::kByteAlphabet, step.spec, at_start, text, words);
  }
}

void PreTokenizer::rewrite_words(Rewrite rewrite, const PreTokenizerStep& spec, bool at_start, std::string& text,
                                 std::vector<TextSpan>& words) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  for (TextSpan& word : words) {
    const std::string_view in = std::string_view(text).substr(word.begin, word.end - word.begin);
    const size_t begin = out.size();
    switch (rewrite) {
      case Rewrite::kMetaspace: {
        const bool wanted = spec.prepend == PreTokenizerStep::Prepend::kAlways ||
                            (spec.prepend == PreTokenizerStep::Prepend::kFirst && at_start && word.begin == 0);
        if (wanted && !in.starts_with(' ') && !in.starts_with(spec.content)) out += spec.content;
        for (const char c : in) c == ' ' ? out.append(spec.content) : out.append(1, c);
        break;
      }
      case Rewrite::kPrefixSpace:
        if (!in.starts_with(' ')) out += ' ';
        out.append(in);
        break;
      case Rewrite::kByteAlphabet:
        out += to_byte_alphabet(in);
        break;
    }
    word = {static_cast<uint32_t>(begin), static_cast<uint32_t>(out.size())};
  }
  text = std::move(out);
}

void PreTokenizer::split_words(const Step& step, std::string_view text, std::vector<TextSpan>& words) {
  const PreTokenizerStep& spec = step.spec;
  if (spec.kind == Kind::kByteLevel && !spec.use_regex) return;
  if (spec.kind == Kind::kMetaspace && !spec.split) return;
  std::vector<TextSpan> cut;
  cut.reserve(text.size() / 4 + 8);
  std::vector<Piece> pieces;
  for (const TextSpan& word : words) {
    if (step.scanner != nullptr) {
      const size_t before = cut.size();
      step.scanner(text.substr(word.begin, word.end - word.begin), cut);
      for (size_t i = before; word.begin != 0 && i < cut.size(); ++i) {
        cut[i].begin += word.begin;
        cut[i].end += word.begin;
      }
      continue;
    }
    switch (spec.kind) {
      case Kind::kWhitespace:
      case Kind::kWhitespaceSplit:
      case Kind::kBert:
        split_by_role(spec, text, word, cut);
        break;
      case Kind::kFixedLength:
        split_by_length(spec, text, word, cut);
        break;
      default:
        pieces.clear();
        find_pieces(step, text, word, pieces);
        join_pieces(spec.kind == Kind::kMetaspace ? Behavior::kMergedWithNext : spec.behavior, pieces, cut);
    }
  }
  words.swap(cut);
}

/// Cuts `span` into matches and what lies between, which together cover it.
void PreTokenizer::find_pieces(const Step& step, std::string_view text, TextSpan span, std::vector<Piece>& pieces) {
  const PreTokenizerStep& spec = step.spec;
  const std::string_view in = text.substr(span.begin, span.end - span.begin);
  std::vector<TextSpan> matches;
  if (spec.kind == Kind::kDigits || spec.kind == Kind::kPunctuation) {
    for (size_t at = 0; at < in.size();) {
      const DecodedCharacter character = decode_utf8(in, at);
      if (role_of(spec, character.code) == Role::kMatch) {
        matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(at + character.size)});
      }
      at += character.size;
    }
  } else if (step.use_engine) {
    step.regex.find_all(in, matches);
  } else {
    const std::string& literal = spec.kind == Kind::kMetaspace ? spec.content : spec.pattern;
    for (size_t at = literal.empty() ? std::string_view::npos : in.find(literal); at != std::string_view::npos;
         at = in.find(literal, at + literal.size())) {
      matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(at + literal.size())});
    }
  }
  uint32_t from = 0;
  const auto add = [&](uint32_t begin, uint32_t end, bool matched) {
    pieces.push_back({{span.begin + begin, span.begin + end}, matched != spec.invert});
  };
  for (const TextSpan& match : matches) {
    if (match.begin > from) add(from, match.begin, false);
    add(match.begin, match.end, true);
    from = match.end;
  }
  if (from < in.size()) add(from, static_cast<uint32_t>(in.size()), false);
}

void PreTokenizer::join_pieces(Behavior behavior, const std::vector<Piece>& pieces, std::vector<TextSpan>& words) {
  const size_t first = words.size();
  bool previous = false;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Piece& piece = pieces[i];
    const bool have_word = words.size() > first;
    bool join = false;
    switch (behavior) {
      case Behavior::kRemoved:
        if (piece.matched) continue;
        break;
      case Behavior::kIsolated:
        break;
      case Behavior::kContiguous:
        join = have_word && i > 0 && pieces[i - 1].matched == piece.matched;
        break;
      case Behavior::kMergedWithPrevious:
        join = have_word && piece.matched && !previous;
        break;
      // A match joins what follows it, unless that is another match: of a run, the last one joins.
      case Behavior::kMergedWithNext:
        join = have_word && previous && !piece.matched;
        break;
    }
    previous = piece.matched;
    if (join) {
      words.back().end = piece.span.end;
    } else {
      push_span(words, piece.span.begin, piece.span.end);
    }
  }
}

}  // namespace ondol
