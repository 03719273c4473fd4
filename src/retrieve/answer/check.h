// Checking: a model's claims against the passages that it was given.
//
// A citation is made of the source's own bytes, never of what the model wrote: the words that it quotes are looked for
// in the passage that it names, and cited where they stand. Where they do not stand there, or it quoted nothing, the
// sentence of that passage that says most of the claim is cited; where it named no passage, that of all passages. A
// claim of which no place says enough (support.h) is not supported, and neither is one with a quotation in its text
// that no passage has.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "retrieve/answer/answer.h"
#include "retrieve/answer/generated_claims.h"
#include "retrieve/answer/passages.h"
#include "retrieve/answer/support.h"

namespace ondol {

/// Not for several threads at once. The passages must outlive it.
class ClaimChecker {
 public:
  explicit ClaimChecker(std::span<const Passage> passages);

  /// The claim with its places and sources; nothing where it is not supported. Citations have no numbers and lines yet.
  std::optional<Claim> check(const GeneratedClaim& claim);

  /// A passage's own words as a claim.
  Claim quoted(size_t passage, ByteRange span);

 private:
  struct Place {
    size_t passage = 0;
    ByteRange span;
    double support = 0;
  };
  std::optional<Place> quoted_in(std::string_view claim, size_t passage, std::string_view quote);
  std::optional<Place> place_of(std::string_view claim, const GeneratedCitation& citation);
  Place best_sentence(std::string_view claim, size_t passage);
  double support_of(std::string_view claim, size_t passage, ByteRange span);
  bool is_quoted_rightly(std::string_view quotation) const;
  Citation citation_of(const Place& place) const;
  Claim claim_with(std::string text, std::vector<Place> places);
  void compare_sources(Claim& claim, const Place& place);

  std::span<const Passage> passages_;
  std::vector<NormalText> normal_;  // of each passage
  SupportMeter meter_;
};

}  // namespace ondol
