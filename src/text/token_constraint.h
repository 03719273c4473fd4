// TokenConstraint: which tokens may come next. The sampler asks before every token; a grammar answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "text/tokenizer.h"

namespace ondol {

/// A set of token ids, one bit each.
class TokenSet {
 public:
  explicit TokenSet(int vocabulary_size) : words_((static_cast<size_t>(vocabulary_size) + 63) / 64) {}

  bool contains(TokenId id) const { return (words_[word(id)] >> (id & 63)) & 1; }
  void insert(TokenId id) { words_[word(id)] |= uint64_t{1} << (id & 63); }
  void erase(TokenId id) { words_[word(id)] &= ~(uint64_t{1} << (id & 63)); }

  /// 64 ids to a word, the lowest id in the lowest bit.
  std::vector<uint64_t>& words() { return words_; }
  const std::vector<uint64_t>& words() const { return words_; }

 private:
  static size_t word(TokenId id) { return static_cast<size_t>(id) / 64; }
  std::vector<uint64_t> words_;
};

/// The state of one text that is being generated. Used by one thread at a time.
class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;

  /// Tokens that may come next, those that end generation only where the text may end. Null: every token may.
  /// Never empty. Valid until the next call of accept().
  virtual const TokenSet* allowed() = 0;

  /// Whether this token may come next; cheaper than the whole set.
  virtual bool allows(TokenId token) = 0;

  /// A token was appended, which was allowed.
  virtual void accept(TokenId token) = 0;

  /// Nothing may follow but the end of generation.
  virtual bool is_finished() = 0;
};

}  // namespace ondol
