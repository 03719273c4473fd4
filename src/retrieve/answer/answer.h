// Answer: what was found out from documents, each claim with the places that say it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "retrieve/byte_range.h"

namespace ondol {

/// A place in a document, and what stands there.
struct Citation {
  size_t number = 0;  // in the answer's text: [1], [2] ...
  std::string path;
  int page = 0;      // 0: the format has no pages
  int line = 0;      // from 1; 0: not known, as of formats without lines, and of files that have changed
  size_t start = 0;  // bytes of the document's text
  size_t end = 0;
  std::string quote;  // those bytes, as they stand there
  std::string headings;
};

struct Claim {
  std::string text;
  std::vector<Citation> citations;
  double support = 0;  // how much of it the best of its citations says (support.h)
  int n_sources = 0;   // that say so independently: copies of the same text count once
  /// Other sources that put another number in its place.
  std::vector<Citation> disagreeing;
};

struct Answer {
  enum class Method { kModel, kExtract };
  bool declined = false;  // the documents do not say
  Method method = Method::kExtract;
  std::string text;  // the claims with [1] [2] behind them, or that the documents do not say
  std::vector<Claim> claims;
  int n_dropped = 0;              // claims of the model that nothing supports
  std::vector<Citation> sources;  // in the order of their numbers
  double closeness = 0;           // of the best passage to the question (DocumentStore::closeness)
};

/// "The documents do not say.", in the language of the question.
std::string decline_text(std::string_view question);

/// Whether a text is Korean, so far as that decides in which language it is answered.
bool is_korean(std::string_view text);

/// A claim with its numbers: "Text [1] [2]".
std::string claim_text(const Claim& claim);

/// {"text", "citations": [{"number", "path", "page", "line", "start", "end", "quote", "headings"}], "support",
/// "sources", "disagreeing": [citations]}
json::object claim_json(const Claim& claim);

/// {"answer", "declined", "method", "claims": [as claim_json gives them], "dropped", "sources": [citations],
/// "closeness"}
json::object answer_json(const Answer& answer);

}  // namespace ondol
