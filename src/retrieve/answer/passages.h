// Passages: what of the documents is put before a question, chosen so that no source drowns the others.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "retrieve/document_store.h"
#include "retrieve/normal_text.h"
#include "retrieve/byte_range.h"

namespace ondol {

/// A piece of a document that is cited by its number.
struct Passage {
  Hit hit;
  int source = 0;                   // passages of one document, and copies of the same text, have the same
  std::vector<ByteRange> sentences;  // of hit.text
};

/// The best n for an answer out of hits that come best first. A document's second passage must be better by a fifth
/// than what others have, its third better still, and none has more than half of the places while others fit, too.
/// What says the same words again is left out, unless it is another document: that one counts as the same source.
std::vector<Passage> choose_passages(std::vector<Hit> hits, size_t n);

/// How many tokens a text takes.
using TokenCounter = std::function<int64_t(std::string_view text)>;

/// As many as `most_tokens` hold, the first ones first; the last may lose sentences at its end. At least the beginning
/// of the first stays. Texts count as passage_text() shows them.
void fit_passages(std::vector<Passage>& passages, int64_t most_tokens, const TokenCounter& count);

/// As a model sees it, in one line: "[2] (report.md, page 3, Warranty) Text".
std::string passage_text(const Passage& passage, size_t number);

/// In one line.
std::string one_line(std::string_view text);

}  // namespace ondol
