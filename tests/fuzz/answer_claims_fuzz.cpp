// Arbitrary bytes as what a model wrote about arbitrary bytes: up to the first zero byte the passage, behind it the
// model's text. Whatever passes is cited from the passage's own bytes.
#include <string>

#include "base/check.h"
#include "retrieve/answer/answer_grammar.h"
#include "retrieve/answer/check.h"
#include "retrieve/answer/follow_up.h"
#include "retrieve/answer/question_words.h"
#include "retrieve/sentences.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), std::min<size_t>(size, 4000));
  const size_t middle = std::min(bytes.find('\0'), bytes.size());
  ondol::Passage passage;
  passage.hit.path = "a.txt";
  passage.hit.text = bytes.substr(0, middle);
  passage.hit.end = middle;
  passage.sentences = ondol::sentences_of(passage.hit.text);
  size_t end = 0;
  for (const ondol::ByteRange& span : passage.sentences) {
    ONDOL_CHECK(span.start >= end && span.start < span.end && span.end <= middle);
    end = span.end;
  }
  const std::string written = middle < bytes.size() ? bytes.substr(middle + 1) : "";
  const ondol::Passage passages[] = {passage};
  ondol::ClaimChecker checker(passages);
  for (const ondol::GeneratedClaim& generated : ondol::read_claims(written)) {
    const auto claim = checker.check(generated);
    if (!claim) continue;
    for (const ondol::Citation& citation : claim->citations) {
      ONDOL_CHECK(citation.start < citation.end && citation.end <= middle);
      ONDOL_CHECK(passage.hit.text.substr(citation.start, citation.end - citation.start) == citation.quote);
    }
  }
  (void)ondol::points_back(written);
  (void)ondol::without_question_words(written);
  if (middle < 400) ONDOL_CHECK(ondol::answer_grammar(passages, "No.").has_value());
  return 0;
}
