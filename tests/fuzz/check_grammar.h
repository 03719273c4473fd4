// Follows the masks of a grammar through a short text, drawn from a seed.
#pragma once

#include <memory>
#include <string>

#include "base/check.h"
#include "base/random.h"
#include "tests/text/grammar/vocabulary.h"
#include "text/grammar/token_mask.h"

namespace ondol {

/// Returns the text if it came to an end.
inline std::string check_grammar(const GrammarPtr& grammar, uint64_t seed) {
  static const auto tokenizer =
      grammar_tests::make_tokenizer({"\": ", "\", \"", "{\"", "\"}", "}}", "true", "null", "ab", "10", "\\u", "\\\"",
                                     "\xED\x95", "\xED\x95\x9C", "\n "});
  static const auto vocabulary = MaskVocabulary::create(tokenizer);
  const auto constraint = constrain(grammar, vocabulary);
  Random random(seed);
  std::string text;
  for (int n_tokens = 0; n_tokens < 60; ++n_tokens) {
    const TokenSet* allowed = constraint->allowed();
    std::vector<TokenId> tokens;
    for (TokenId id = 0; id < tokenizer->vocabulary_size(); ++id) {
      if (allowed == nullptr || allowed->contains(id)) tokens.push_back(id);
    }
    ONDOL_CHECK(!tokens.empty());
    // Something that closes, where it may come, so that texts end.
    TokenId token = tokens[static_cast<size_t>(random.uniform() * static_cast<double>(tokens.size()))];
    for (const TokenId id : tokens) {
      const bool closes = id == '"' || id == '}' || id == ']' || tokenizer->ends_generation(id);
      if (closes && random.uniform() < 0.4) token = id;
    }
    ONDOL_CHECK(constraint->allows(token));
    const bool ends = tokenizer->ends_generation(token);
    constraint->accept(token);
    if (ends && constraint->is_finished()) return text;
    text += tokenizer->piece(token);
  }
  return "";
}

}  // namespace ondol
