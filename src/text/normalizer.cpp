#include "text/normalizer.h"

#include <fmt/format.h>
#include <unicode/brkiter.h>
#include <unicode/utext.h>

#include "text/byte_level.h"
#include "text/unicode.h"

namespace ondol {
namespace {

constexpr std::string_view kMetaspace = "\xE2\x96\x81";
// Rules come from downloaded files: no chain of them may make a text grow without bound. Real ones make a character at
// most 33 bytes long.
constexpr size_t kMaxContentBytes = 64;
constexpr size_t kMaxGrowth = 64;

/// Calls `visit(code, bytes)` for each character of valid UTF-8.
template <typename Visit>
void for_each_character(std::string_view text, Visit&& visit) {
  for (size_t at = 0; at < text.size();) {
    const DecodedCharacter character = decode_utf8(text, at);
    visit(character.code, text.substr(at, character.size));
    at += character.size;
  }
}

void replace_all(std::string& text, std::string_view pattern, std::string_view content) {
  if (pattern.empty() || text.find(pattern) == std::string::npos) return;
  std::string out;
  out.reserve(text.size());
  size_t from = 0;
  for (size_t at = text.find(pattern); at != std::string::npos; at = text.find(pattern, from)) {
    out.append(text, from, at - from).append(content);
    from = at + pattern.size();
  }
  out.append(text, from);
  text = std::move(out);
}

void replace_matches(std::string& text, const Regex& regex, std::string_view content) {
  std::vector<TextSpan> matches;
  regex.find_all(text, matches);
  if (matches.empty()) return;
  std::string out;
  size_t from = 0;
  for (const TextSpan& match : matches) {
    out.append(text, from, match.begin - from).append(content);
    from = match.end;
  }
  out.append(text, from);
  text = std::move(out);
}

void strip(std::string& text, bool left, bool right) {
  size_t begin = 0;
  size_t end = text.size();
  while (left && begin < end) {
    const DecodedCharacter character = decode_utf8(text, begin);
    if (!is_whitespace(character.code)) break;
    begin += character.size;
  }
  while (right && end > begin) {
    size_t last = end - 1;
    while (last > begin && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    if (!is_whitespace(decode_utf8(text, last).code)) break;
    end = last;
  }
  text = text.substr(begin, end - begin);
}

void apply_bert(const NormalizerStep& spec, std::string& text) {
  if (spec.clean_text) {
    std::string out;
    for_each_character(text, [&](char32_t code, std::string_view bytes) {
      const bool layout = code == '\t' || code == '\n' || code == '\r';
      if (code == 0 || code == kReplacementCharacter || (!layout && is_other(code) && is_in_unicode_8(code))) return;
      out.append(is_whitespace(code) ? std::string_view(" ") : bytes);
    });
    text = std::move(out);
  }
  if (spec.split_cjk) {
    std::string out;
    for_each_character(text, [&](char32_t code, std::string_view bytes) {
      const bool ideograph = is_cjk_ideograph(code);
      if (ideograph) out += ' ';
      out.append(bytes);
      if (ideograph) out += ' ';
    });
    text = std::move(out);
  }
  if (spec.strip_accents) {
    std::string out;
    for_each_character(normalize_unicode(text, NormalForm::kNfd), [&](char32_t code, std::string_view bytes) {
      if (!is_nonspacing_mark(code) || !is_in_unicode_8(code)) out.append(bytes);
    });
    text = std::move(out);
  }
  if (spec.lowercase) text = lowercase(text);
}

bool nmt_drops(char32_t code) {
  return (code >= 0x01 && code <= 0x08) || code == 0x0B || (code >= 0x0E && code <= 0x1F) || code == 0x7F ||
         code == 0x8F || code == 0x9F;
}

bool nmt_is_space(char32_t code) {
  switch (code) {
    case 0x09:
    case 0x0A:
    case 0x0C:
    case 0x0D:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x2581:
    case 0xFEFF:
    case 0xFFFD:
      return true;
    default:
      return code >= 0x200B && code <= 0x200F;
  }
}

void apply_nmt(std::string& text) {
  std::string out;
  for_each_character(text, [&](char32_t code, std::string_view bytes) {
    if (!nmt_drops(code)) out.append(nmt_is_space(code) ? std::string_view(" ") : bytes);
  });
  text = std::move(out);
}

/// Ends of the grapheme clusters of `text`.
std::vector<size_t> grapheme_ends(const std::string& text) {
  std::vector<size_t> ends;
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::BreakIterator> breaks(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), status));
  UText* utext = utext_openUTF8(nullptr, text.data(), static_cast<int64_t>(text.size()), &status);
  if (U_SUCCESS(status)) {
    breaks->setText(utext, status);
    for (int32_t end = breaks->next(); U_SUCCESS(status) && end != icu::BreakIterator::DONE; end = breaks->next()) {
      ends.push_back(static_cast<size_t>(end));
    }
  }
  utext_close(utext);
  if (ends.empty() || ends.back() != text.size()) ends.push_back(text.size());
  return ends;
}

/// Hugging Face's reading of the rules: a grapheme of up to 5 bytes is replaced as a whole by the rule for its shortest
/// matching prefix; else each of its characters by itself.
void apply_charsmap(const Charsmap& rules, std::string& text) {
  std::string out;
  size_t begin = 0;
  for (const size_t end : grapheme_ends(text)) {
    const std::string_view grapheme = std::string_view(text).substr(begin, end - begin);
    begin = end;
    const Charsmap::Match whole = grapheme.size() < 6 ? rules.shortest(grapheme) : Charsmap::Match{};
    if (whole.size != 0) {
      out.append(whole.replacement);
      continue;
    }
    for_each_character(grapheme, [&](char32_t, std::string_view bytes) {
      const Charsmap::Match match = rules.shortest(bytes);
      out.append(match.size != 0 ? match.replacement : bytes);
    });
  }
  text = std::move(out);
}

NormalForm form_of(NormalizerStep::Form form) {
  switch (form) {
    case NormalizerStep::Form::kNfc:
      return NormalForm::kNfc;
    case NormalizerStep::Form::kNfd:
      return NormalForm::kNfd;
    case NormalizerStep::Form::kNfkc:
      return NormalForm::kNfkc;
    case NormalizerStep::Form::kNfkd:
      return NormalForm::kNfkd;
  }
  return NormalForm::kNfc;
}

}  // namespace

Result<Normalizer> Normalizer::create(const std::vector<NormalizerStep>& steps,
                                      const std::vector<std::string>& protected_texts) {
  Normalizer normalizer;
  for (const NormalizerStep& spec : steps) {
    if (spec.content.size() > kMaxContentBytes) {
      return Error(fmt::format("normalizer: expected a replacement of at most {} bytes, got {}", kMaxContentBytes,
                               spec.content.size()));
    }
    Step step;
    step.spec = spec;
    if (spec.kind == NormalizerStep::Kind::kReplace && spec.is_regex) {
      step.regex = ONDOL_TRY(Regex::compile(spec.pattern).in("normalizer"));
    }
    if (!spec.blob.empty()) step.charsmap = ONDOL_TRY(Charsmap::parse(spec.blob).in("normalizer"));
    step.spec.blob.clear();
    normalizer.steps_.push_back(std::move(step));
  }
  for (const std::string& text : protected_texts) normalizer.protected_.insert(text, 0);
  return normalizer;
}

void Normalizer::apply(std::string& text) const {
  const size_t limit = (text.size() + kMaxGrowth) * kMaxGrowth;
  for (const Step& step : steps_) {
    apply_step(step, text);
    if (text.size() > limit) return;
  }
}

void Normalizer::apply_step(const Step& step, std::string& text) const {
  const NormalizerStep& spec = step.spec;
  switch (spec.kind) {
    case NormalizerStep::Kind::kUnicodeForm:
      text = normalize_unicode(text, form_of(spec.form));
      return;
    case NormalizerStep::Kind::kLowercase:
      text = lowercase(text);
      return;
    case NormalizerStep::Kind::kStripAccents:
      text = remove_marks(text);
      return;
    case NormalizerStep::Kind::kReplace:
      return spec.is_regex ? replace_matches(text, step.regex, spec.content)
                           : replace_all(text, spec.pattern, spec.content);
    case NormalizerStep::Kind::kPrepend:
      if (!text.empty()) text.insert(0, spec.content);
      return;
    case NormalizerStep::Kind::kStrip:
      return strip(text, spec.left, spec.right);
    case NormalizerStep::Kind::kBert:
      return apply_bert(spec, text);
    case NormalizerStep::Kind::kNmt:
      return apply_nmt(text);
    case NormalizerStep::Kind::kCharsmap:
      return apply_charsmap(step.charsmap, text);
    case NormalizerStep::Kind::kSentencePiece:
      return apply_sentencepiece(step, text);
    case NormalizerStep::Kind::kByteLevel:
      text = to_byte_alphabet(text);
      return;
  }
}

void Normalizer::apply_sentencepiece(const Step& step, std::string& text) const {
  const NormalizerStep& spec = step.spec;
  const std::string_view in = text;
  const std::string_view space = spec.escape_whitespaces ? kMetaspace : std::string_view(" ");
  size_t at = 0;
  // The next piece of input, normalised; moves `at` behind it.
  const auto next = [&]() -> std::string_view {
    const std::string_view rest = in.substr(at);
    size_t size = protected_.longest(rest).size;
    std::string_view piece = rest.substr(0, size);
    if (size == 0) {
      const Charsmap::Match match = step.charsmap.longest(rest);
      size = match.size != 0 ? match.size : decode_utf8(rest, 0).size;
      piece = match.size != 0 ? match.replacement : rest.substr(0, size);
    }
    at += size;
    return piece;
  };

  std::string out;
  out.reserve(in.size() + in.size() / 4);
  bool drop_spaces = spec.remove_extra_whitespaces;
  bool started = false;
  while (at < in.size()) {
    std::string_view piece = next();
    // Spaces at the start, and those that follow another, go away.
    while (drop_spaces && !piece.empty() && piece.front() == ' ') piece.remove_prefix(1);
    if (piece.empty()) continue;
    if (!started && spec.add_dummy_prefix && !spec.whitespace_as_suffix) out.append(space);
    started = true;
    for (const char c : piece) c == ' ' ? out.append(space) : out.append(1, c);
    drop_spaces = spec.remove_extra_whitespaces && piece.back() == ' ';
  }
  if (spec.remove_extra_whitespaces) {
    while (out.ends_with(space)) out.erase(out.size() - space.size());
  }
  if (started && spec.add_dummy_prefix && spec.whitespace_as_suffix) out.append(space);
  text = std::move(out);
}

}  // namespace ondol
