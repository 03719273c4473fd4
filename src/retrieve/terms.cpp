#include "retrieve/terms.h"

#include <algorithm>
#include <iterator>

#include <libstemmer.h>

#include "base/check.h"
#include "text/unicode.h"

namespace ondol {
namespace {

enum class Script { kNone, kWord, kHangul, kHan, kKana };

constexpr size_t kMostStems = size_t{1} << 16;
constexpr size_t kLongestWord = 64;  // bytes; longer runs are data rather than words, and only their beginning counts

/// Words of questions rather than of their subjects. Sorted.
constexpr std::string_view kLeftOut[] = {
    "a",     "also",  "an",    "and",  "any",  "are",   "as",   "at",   "be",    "been",  "between",  "but",
    "by",    "can",   "could", "did",  "do",   "does",  "for",  "from", "had",   "has",   "have",     "he",
    "her",   "his",   "how",   "i",    "if",   "in",    "into", "is",   "it",    "its",   "may",      "me",
    "must",  "my",    "no",    "not",  "of",   "on",    "or",   "our",  "shall", "she",   "should",   "so",
    "some",  "such",  "than",  "that", "the",  "their", "them", "then", "there", "these", "they",     "this",
    "those", "to",    "us",    "very", "was",  "we",    "were", "what", "when",  "where", "which",    "who",
    "whom",  "whose", "why",   "will", "with", "would", "yet",  "you",  "your",  "yours", "yourself", "yourselves"};
static_assert(std::is_sorted(std::begin(kLeftOut), std::end(kLeftOut)));

bool is_within(char32_t code, char32_t first, char32_t last) {
  return code >= first && code <= last;
}

Script script_of(char32_t code) {
  if (is_within(code, 0xAC00, 0xD7A3) || is_within(code, 0x1100, 0x11FF) || is_within(code, 0x3131, 0x318E)) {
    return Script::kHangul;
  }
  if (is_within(code, 0x3040, 0x30FF) || is_within(code, 0xFF66, 0xFF9D)) return Script::kKana;
  if (is_cjk_ideograph(code)) return Script::kHan;
  return code != U'_' && is_word(code) ? Script::kWord : Script::kNone;
}

constexpr bool is_ascii_word(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Precomposed Hangul, Han and full-width Kana: as they are written in almost all texts.
bool is_plain(char32_t code) {
  return is_within(code, 0xAC00, 0xD7A3) || is_within(code, 0x3040, 0x30FF) || is_within(code, 0x4E00, 0x9FFF);
}

/// Without the accents of Latin, Greek and Cyrillic letters; in other scripts marks are letters.
std::string folded(std::string_view run) {
  const std::string whole = normalize_unicode(run, NormalForm::kNfkd);
  std::string out;
  for (size_t i = 0; i < whole.size();) {
    const DecodedCharacter c = decode_utf8(whole, i);
    if (!is_within(c.code, 0x300, 0x36F)) out.append(whole, i, c.size);
    i += c.size;
  }
  return lowercase(normalize_unicode(out, NormalForm::kNfc));
}

}  // namespace

void TermReader::Delete::operator()(sb_stemmer* stemmer) const {
  sb_stemmer_delete(stemmer);
}

TermReader::TermReader() : stemmer_(sb_stemmer_new("english", "UTF_8")) {
  ONDOL_CHECK(stemmer_ != nullptr);
}
TermReader::TermReader(TermReader&&) noexcept = default;
TermReader& TermReader::operator=(TermReader&&) noexcept = default;
TermReader::~TermReader() = default;

const std::string& TermReader::stem(const std::string& word) {
  if (const auto known = stems_.find(word); known != stems_.end()) return known->second;
  if (stems_.size() >= kMostStems) stems_.clear();
  std::string& stem = stems_[word];
  if (std::binary_search(std::begin(kLeftOut), std::end(kLeftOut), std::string_view(word))) return stem;
  const sb_symbol* result =
      sb_stemmer_stem(stemmer_.get(), reinterpret_cast<const sb_symbol*>(word.data()), static_cast<int>(word.size()));
  stem.assign(reinterpret_cast<const char*>(result), static_cast<size_t>(sb_stemmer_length(stemmer_.get())));
  return stem;
}

void TermReader::read_word(std::string_view run, size_t start, bool is_ascii, const Visit& visit) {
  const size_t end = start + run.size();
  if (is_ascii) {
    word_.assign(run.substr(0, kLongestWord));
    for (char& c : word_) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  } else {
    word_ = folded(run);
    if (word_.size() > kLongestWord) {
      word_.resize(kLongestWord);
      word_.resize(kLongestWord - unfinished_utf8_suffix(word_));
    }
  }
  const std::string& text = stem(word_);
  if (!text.empty()) visit({text, start, end, false});
}

void TermReader::read_pairs(std::string_view run, size_t start, const Visit& visit) {
  std::string normal;
  bool is_normal = true;
  for (size_t i = 0; i < run.size() && is_normal;) {
    const DecodedCharacter c = decode_utf8(run, i);
    is_normal = is_plain(c.code);
    i += c.size;
  }
  // Offsets of what had to be composed are those of the whole run.
  if (!is_normal) normal = normalize_unicode(run, NormalForm::kNfkc);
  const std::string_view text = is_normal ? run : std::string_view(normal);
  const auto visit_part = [&](size_t begin, size_t end) {
    const std::string_view part = text.substr(begin, end - begin);
    if (is_normal) visit({part, start + begin, start + end, true});
    if (!is_normal) visit({part, start, start + run.size(), true});
  };
  size_t previous = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t end = i + decode_utf8(text, i).size;
    visit_part(i == 0 ? 0 : previous, end);
    previous = i;
    i = end;
  }
}

void TermReader::read(std::string_view text, const Visit& visit) {
  for (size_t i = 0; i < text.size();) {
    const size_t start = i;
    Script script = Script::kNone;
    bool is_ascii = true;
    while (i < text.size()) {
      const auto byte = static_cast<unsigned char>(text[i]);
      Script own = Script::kNone;
      size_t size = 1;
      if (byte < 0x80) {
        own = is_ascii_word(byte) ? Script::kWord : Script::kNone;
      } else {
        const DecodedCharacter c = decode_utf8(text, i);
        own = c.valid ? script_of(c.code) : Script::kNone;
        size = c.size;
      }
      if (i > start && own != script) break;
      script = own;
      is_ascii = is_ascii && byte < 0x80;
      i += size;
    }
    const std::string_view run = text.substr(start, i - start);
    if (script == Script::kWord) read_word(run, start, is_ascii, visit);
    if (script == Script::kHangul || script == Script::kHan || script == Script::kKana) read_pairs(run, start, visit);
  }
}

}  // namespace ondol
