#include "retrieve/normal_text.h"

#include "text/unicode.h"

namespace ondol {
namespace {

bool is_leading_jamo(char32_t code) {
  return code >= 0x1100 && code <= 0x115F;
}
bool is_jamo(char32_t code) {
  return code >= 0x1100 && code <= 0x11FF;
}

/// Characters that NFKC does not bring together though they mean the same. 0: left out.
char32_t unified(char32_t code) {
  if ((code >= 0x2018 && code <= 0x201B) || code == 0x2032 || code == 0x60 || code == 0xB4) return '\'';
  if ((code >= 0x201C && code <= 0x201F) || code == 0x2033 || code == 0xAB || code == 0xBB) return '"';
  if ((code >= 0x2010 && code <= 0x2015) || code == 0x2212) return '-';
  if (code == 0xAD || (is_other(code) && !is_whitespace(code))) return 0;
  return code;
}

/// Syllables and ideographs as almost all texts write them.
bool is_normal(std::string_view cluster) {
  const DecodedCharacter c = decode_utf8(cluster, 0);
  const bool is_plain = (c.code >= 0xAC00 && c.code <= 0xD7A3) || (c.code >= 0x4E00 && c.code <= 0x9FFF);
  return is_plain && c.size == cluster.size();
}

/// The end of the character that begins at `i` with what combines with it.
size_t end_of_cluster(std::string_view text, size_t i) {
  constexpr size_t kLongest = 64;  // bytes: stacks of marks are no writing
  DecodedCharacter c = decode_utf8(text, i);
  const size_t begin = i;
  char32_t previous = c.code;
  i += c.size;
  while (i < text.size() && i - begin < kLongest) {
    c = decode_utf8(text, i);
    const bool combines = is_mark(c.code) || (is_jamo(c.code) && is_jamo(previous) &&
                                              (!is_leading_jamo(c.code) || is_leading_jamo(previous)));
    if (!combines) break;
    previous = c.code;
    i += c.size;
  }
  return i;
}

}  // namespace

NormalText::NormalText(std::string_view source, LetterCase letter_case) {
  text_.reserve(source.size());
  sources_.reserve(source.size());
  const auto add = [&](std::string_view bytes, ByteRange span) {
    for (const char byte : bytes) {
      const auto code = static_cast<unsigned char>(byte);
      if (code == ' ' && (text_.empty() || text_.back() == ' ')) {
        if (!sources_.empty()) sources_.back().end = span.end;
        continue;
      }
      text_ += byte;
      sources_.push_back(span);
    }
  };
  std::string cluster;
  for (size_t i = 0; i < source.size();) {
    const auto byte = static_cast<unsigned char>(source[i]);
    const bool stands_alone =
        byte < 0x80 && (i + 1 == source.size() || static_cast<unsigned char>(source[i + 1]) < 0x80);
    const size_t end = stands_alone ? i + 1 : end_of_cluster(source, i);
    if (stands_alone || is_normal(source.substr(i, end - i))) {
      cluster = source.substr(i, end - i);
    } else {
      cluster = normalize_unicode(source.substr(i, end - i), NormalForm::kNfkc);
    }
    std::string out;
    for (size_t k = 0; k < cluster.size();) {
      const DecodedCharacter c = decode_utf8(cluster, k);
      k += c.size;
      const char32_t code = is_whitespace(c.code) ? U' ' : unified(c.code);
      if (code != 0) append_utf8(out, code);
    }
    add(letter_case == LetterCase::kFolded ? lowercase(out) : out, {i, end});
    i = end;
  }
}

ByteRange NormalText::in_source(ByteRange span) const {
  if (span.start >= span.end || span.end > sources_.size()) return {};
  return {sources_[span.start].start, sources_[span.end - 1].end};
}

std::optional<ByteRange> NormalText::find(const NormalText& other, size_t from) const {
  std::string_view wanted = other.text_;
  while (wanted.starts_with(' ')) wanted.remove_prefix(1);
  while (wanted.ends_with(' ')) wanted.remove_suffix(1);
  if (wanted.empty()) return std::nullopt;
  const size_t place = text_.find(wanted, from);
  if (place == text_.npos) return std::nullopt;
  return ByteRange{place, place + wanted.size()};
}

std::optional<ByteRange> find_quotation(const NormalText& source, std::string_view quotation) {
  const NormalText whole(quotation);
  std::string_view wanted = whole.text();
  const auto trim = [&](std::string_view marks) {
    const size_t first = wanted.find_first_not_of(marks);
    if (first == wanted.npos) {
      wanted = {};
    } else {
      wanted = wanted.substr(first, wanted.find_last_not_of(marks) - first + 1);
    }
  };
  for (const std::string_view marks : {" ", " \"'", " \"'.,;:"}) {
    trim(marks);
    if (wanted.empty()) return std::nullopt;
    const size_t place = source.text().find(wanted);
    if (place != std::string::npos) return source.in_source({place, place + wanted.size()});
  }
  return std::nullopt;
}

}  // namespace ondol
