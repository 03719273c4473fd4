#include "retrieve/answer/generated_claims.h"

#include <algorithm>
#include <optional>

#include "retrieve/answer/passages.h"
#include "retrieve/sentences.h"
#include "text/unicode.h"

namespace ondol {
namespace {

constexpr size_t kMostClaims = 100;
constexpr size_t kMostCitations = 20;       // of a claim
constexpr size_t kLongestMarker = 1 << 13;  // bytes, with its quotation
constexpr size_t kShortestQuotation = 2;    // words: single ones are put in quotation marks for many reasons

struct Marker {
  size_t end = 0;  // behind it
  std::vector<GeneratedCitation> citations;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Reads what stands between '[' and its end, from `i` on.
class MarkerReader {
 public:
  MarkerReader(std::string_view text, size_t i)
      : text_(text.substr(0, std::min(text.size(), i + kLongestMarker))), i_(i) {}

  std::optional<Marker> read() {
    Marker marker;
    while (i_ < text_.size()) {
      skip_spaces();
      if (take(']')) {
        while (take(']')) {
        }
        marker.end = i_;
        return marker.citations.empty() ? std::nullopt : std::optional(std::move(marker));
      }
      if (i_ < text_.size() && text_[i_] == '[') ++i_;
      if (i_ >= text_.size() || !is_digit(text_[i_]) || marker.citations.size() >= kMostCitations) return std::nullopt;
      marker.citations.push_back({number(), quote()});
      skip_spaces();
      if (!take(',')) take(';');
    }
    return std::nullopt;
  }

 private:
  void skip_spaces() {
    while (i_ < text_.size() && text_[i_] == ' ') ++i_;
  }
  bool take(char c) {
    if (i_ >= text_.size() || text_[i_] != c) return false;
    ++i_;
    return true;
  }
  size_t number() {
    size_t value = 0;
    for (; i_ < text_.size() && is_digit(text_[i_]); ++i_) {
      value = std::min<size_t>(value * 10 + static_cast<size_t>(text_[i_] - '0'), 1'000'000);
    }
    return value;
  }
  /// Up to the quotation mark that ends the marker; others belong to the quotation.
  std::string quote() {
    skip_spaces();
    if (!take(':')) take(',');
    skip_spaces();
    if (i_ >= text_.size() || text_[i_] != '"') return "";
    const size_t start = ++i_;
    size_t end = text_.find("\"]", start);
    const size_t next = text_.find("\", ", start);
    if (next != text_.npos && next + 3 < text_.size() && is_digit(text_[next + 3])) end = std::min(end, next);
    if (end == text_.npos) return "";
    i_ = end + 1;
    return std::string(text_.substr(start, end - start));
  }

  std::string_view text_;
  size_t i_;
};

struct PlacedCitation {
  size_t place = 0;  // in the plain text
  GeneratedCitation citation;
};

/// The line without markers, and where they stood.
std::string without_markers(std::string_view line, std::vector<PlacedCitation>& citations) {
  std::string plain;
  for (size_t i = 0; i < line.size();) {
    if (line[i] != '[' && line[i] != ']') {
      plain += line[i++];
      continue;
    }
    const auto marker = line[i] == '[' ? MarkerReader(line, i + 1).read() : std::nullopt;
    if (marker) {
      for (const GeneratedCitation& citation : marker->citations) citations.push_back({plain.size(), citation});
      i = marker->end;
      continue;
    }
    // A broken marker goes, with what looks like its number.
    ++i;
    while (i < line.size() && is_digit(line[i])) ++i;
  }
  return plain;
}

size_t n_words(std::string_view text) {
  size_t n = 0;
  bool is_inside = false;
  for (const char c : text) {
    const bool is_space = c == ' ';
    n += !is_space && !is_inside ? 1 : 0;
    is_inside = !is_space;
  }
  return n;
}

/// Between straight or curly quotation marks; one that is not closed is none.
std::vector<std::string> quotations_of(std::string_view text) {
  std::vector<std::string> quotations;
  size_t open = text.npos;
  for (size_t i = 0; i < text.size();) {
    const DecodedCharacter c = decode_utf8(text, i);
    const bool is_mark = c.code == '"' || c.code == 0x201C || c.code == 0x201D;
    if (is_mark && open == text.npos) {
      open = i + c.size;
    } else if (is_mark) {
      std::string inside(text.substr(open, i - open));
      if (n_words(inside) >= kShortestQuotation) quotations.push_back(std::move(inside));
      open = text.npos;
    }
    i += c.size;
  }
  return quotations;
}

/// Without bullets, and spaces that markers left before full stops.
std::string tidy(std::string_view text) {
  std::string line = one_line(replace_invalid_utf8(text));
  for (const std::string_view bullet : {"- ", "* ", "\xE2\x80\xA2 "}) {
    if (line.starts_with(bullet)) line.erase(0, bullet.size());
  }
  std::string out;
  for (const char c : line) {
    if ((c == '.' || c == ',' || c == '!' || c == '?') && out.ends_with(' ')) out.pop_back();
    out += c;
  }
  return out;
}

bool has_content(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const DecodedCharacter c = decode_utf8(text, i);
    if ((character_flags(c.code) & (kFlagLetter | kFlagNumber)) != 0) return true;
    i += c.size;
  }
  return false;
}

void read_line(std::string_view line, std::vector<GeneratedClaim>& claims) {
  std::vector<PlacedCitation> citations;
  const std::string plain = without_markers(line, citations);
  std::vector<ByteRange> sentences = sentences_of(plain);
  std::erase_if(sentences, [&](const ByteRange& span) { return !has_content(span.of(plain)); });
  if (sentences.empty()) return;
  const bool begins_with_marker = !citations.empty() && citations.front().place <= sentences.front().start;
  if (begins_with_marker) sentences = {{sentences.front().start, sentences.back().end}};
  for (size_t k = 0; k < sentences.size() && claims.size() < kMostClaims; ++k) {
    GeneratedClaim claim;
    claim.text = tidy(sentences[k].of(plain));
    claim.quotations = quotations_of(claim.text);
    const size_t begin = k == 0 ? 0 : sentences[k].start + 1;
    const size_t end = k + 1 < sentences.size() ? sentences[k + 1].start : plain.size();
    for (PlacedCitation& placed : citations) {
      if (placed.place < begin || placed.place > end || claim.citations.size() >= kMostCitations) continue;
      claim.citations.push_back(std::move(placed.citation));
      placed.place = plain.size() + 1;  // is cited once
    }
    claims.push_back(std::move(claim));
  }
}

}  // namespace

std::vector<GeneratedClaim> read_claims(std::string_view text) {
  std::vector<GeneratedClaim> claims;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    read_line(text.substr(start, end - start), claims);
    start = end + 1;
  }
  return claims;
}

}  // namespace ondol
