// Holds generation to a Grammar: which tokens of a vocabulary can follow, at every step.
#pragma once

#include <memory>

#include "text/grammar/grammar.h"
#include "text/token_constraint.h"

namespace ondol {

/// A tokenizer's vocabulary in the form that masks are computed from (a trie of the tokens' bytes). Made once per
/// tokenizer, in about a tenth of a second for 150,000 tokens; immutable and shared.
class MaskVocabulary {
 public:
  static std::shared_ptr<const MaskVocabulary> create(std::shared_ptr<const Tokenizer> tokenizer);
  virtual ~MaskVocabulary() = default;
};

/// A constraint at the beginning of `grammar`. What is computed for a grammar and a vocabulary is remembered, within
/// bounds, and shared by all texts that are held to it, by any thread.
std::unique_ptr<TokenConstraint> constrain(GrammarPtr grammar, std::shared_ptr<const MaskVocabulary> vocabulary);

}  // namespace ondol
