// What a model wrote, as claims with what they cite. Any bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ondol {

struct GeneratedCitation {
  size_t passage = 0;  // as the model numbered it: perhaps one that does not exist
  std::string quote;   // its words for what stands there; may be empty
};

struct GeneratedClaim {
  std::string text;  // without markers
  std::vector<GeneratedCitation> citations;
  std::vector<std::string> quotations;  // in the text itself, between quotation marks
};

/// Sentences with what stands in brackets behind them: [2], [1, 3], [2 "words of passage 2"]. A line that begins with a
/// marker is one claim. Markers that are no such thing ([a], [2 with no end) are taken out and cite nothing.
std::vector<GeneratedClaim> read_claims(std::string_view text);

}  // namespace ondol
