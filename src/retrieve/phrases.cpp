#include "retrieve/phrases.h"

#include <algorithm>

#include "text/unicode.h"

namespace ondol {
namespace {

constexpr size_t kMostPhrases = 16;

bool is_latin(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

bool is_whole(std::string_view text, ByteRange span) {
  const bool begins = span.start == 0 || !is_latin(text[span.start]) || !is_latin(text[span.start - 1]);
  const bool ends = span.end == text.size() || !is_latin(text[span.end - 1]) || !is_latin(text[span.end]);
  return begins && ends;
}

bool has_phrase(const NormalText& text, const NormalText& phrase) {
  for (auto place = text.find(phrase); place; place = text.find(phrase, place->start + 1)) {
    if (is_whole(text.text(), *place)) return true;
  }
  return false;
}

}  // namespace

std::vector<NormalText> phrases_of(std::string_view question) {
  std::vector<NormalText> phrases;
  size_t open = question.npos;
  for (size_t i = 0; i < question.size() && phrases.size() < kMostPhrases;) {
    const DecodedCharacter c = decode_utf8(question, i);
    const bool is_mark = c.code == '"' || c.code == 0x201C || c.code == 0x201D;
    if (is_mark && open == question.npos) {
      open = i + c.size;
    } else if (is_mark) {
      NormalText phrase(question.substr(open, i - open), LetterCase::kFolded);
      if (phrase.text().find_first_not_of(' ') != std::string::npos) phrases.push_back(std::move(phrase));
      open = question.npos;
    }
    i += c.size;
  }
  return phrases;
}

bool has_phrases(std::string_view text, const std::vector<NormalText>& phrases) {
  if (phrases.empty()) return true;
  const NormalText normal(text, LetterCase::kFolded);
  return std::all_of(phrases.begin(), phrases.end(), [&](const NormalText& p) { return has_phrase(normal, p); });
}

}  // namespace ondol
