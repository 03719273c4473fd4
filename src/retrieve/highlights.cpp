#include "retrieve/highlights.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "retrieve/terms.h"
#include "text/unicode.h"

namespace ondol {
namespace {

/// The first character of a run says too little alone, unless it is all of it.
bool is_one_character(std::string_view term) {
  return decode_utf8(term, 0).size == term.size();
}

std::unordered_set<std::string> wanted_terms(TermReader& reader, std::string_view question) {
  std::unordered_set<std::string> wanted;
  Term last;
  std::string last_text;
  const auto keep_lone_character = [&](size_t next_start) {
    if (last.is_pair && is_one_character(last_text) && next_start >= last.end) wanted.insert(last_text);
  };
  reader.read(question, [&](const Term& term) {
    keep_lone_character(term.start);
    if (!term.is_pair || !is_one_character(term.text)) wanted.emplace(term.text);
    last = term;
    last_text = term.text;
  });
  keep_lone_character(question.size());
  return wanted;
}

}  // namespace

std::vector<ByteRange> highlights(std::string_view text, std::string_view question) {
  TermReader reader;
  const auto wanted = wanted_terms(reader, question);
  std::vector<ByteRange> ranges;
  reader.read(text, [&](const Term& term) {
    if (!wanted.contains(std::string(term.text))) return;
    if (!ranges.empty() && term.start <= ranges.back().end) {
      ranges.back().end = std::max(ranges.back().end, term.end);
    } else {
      ranges.push_back({term.start, term.end});
    }
  });
  return ranges;
}

}  // namespace ondol
