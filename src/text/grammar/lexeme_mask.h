// LexemeMask: what tokens do to a lexeme that has begun. It depends on the lexeme's state alone, whatever stands behind
// it in a grammar.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "text/grammar/terms.h"
#include "text/grammar/token_trie.h"
#include "text/token_constraint.h"

namespace ondol::grammar {

struct LexemeMask {
  /// Tokens that lie within the lexeme as a whole: a set, or a list where they are below a node with few.
  TokenSet inside;
  std::vector<TokenId> few_inside;
  /// Where a token can go on behind the lexeme: nodes of the trie whose parent ends the lexeme, sorted by their byte.
  /// Those with byte b are from starts[b] to starts[b + 1].
  std::vector<uint32_t> behind;
  std::vector<uint32_t> starts;  // empty if there are none
  /// Finding them all would have taken too long; some are missing.
  bool incomplete = false;

  void add_inside_to(TokenSet& tokens) const {
    for (size_t i = 0; i < inside.words().size(); ++i) tokens.words()[i] |= inside.words()[i];
    for (const TokenId token : few_inside) tokens.insert(token);
  }

  size_t size_bytes() const {
    return 200 + inside.words().size() * 8 + (few_inside.size() + behind.size() + starts.size()) * 4;
  }
};

/// A state that does nearly the same to tokens as `term` and whose mask is a good beginning for that of `term`;
/// kNothing if there is none.
TermId similar_state(TermStore& terms, TermId term);

/// Of the tokens below node `start` of the trie, for a lexeme that has read what leads to the node. `similar` is the
/// mask of the similar state and the same node, or null.
LexemeMask make_lexeme_mask(TermStore& terms, TermId term, const TokenTrie& trie, uint32_t start, int vocabulary_size,
                            TermId similar_state, const LexemeMask* similar);

/// Masks by state and node, for all grammars of a vocabulary. Safe to share between threads.
class LexemeMaskCache {
 public:
  std::shared_ptr<const LexemeMask> find(const TermHash& state, uint32_t start);
  void insert(const TermHash& state, uint32_t start, std::shared_ptr<const LexemeMask> mask);

 private:
  struct Hash {
    size_t operator()(const TermHash& hash) const { return hash.low; }
  };

  static TermHash key_of(const TermHash& state, uint32_t start) { return {state.low + start, state.high}; }

  std::mutex mutex_;
  std::unordered_map<TermHash, std::shared_ptr<const LexemeMask>, Hash> masks_;
  size_t size_bytes_ = 0;
};

}  // namespace ondol::grammar
