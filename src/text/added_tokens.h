// AddedTokenMatcher: cuts added tokens ("<|im_end|>") out of a text: leftmost first, longest among those that start
// there.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/byte_trie.h"
#include "text/tokenizer_spec.h"

namespace ondol {

class AddedTokenMatcher {
 public:
  AddedTokenMatcher() = default;

  /// `token.content` is what is searched.
  void add(const AddedToken& token);

  bool empty() const { return tokens_.empty(); }

  /// A part of the text: a token, or (id = kNoToken) what lies between.
  struct Part {
    size_t begin = 0;
    size_t end = 0;
    TokenId id = kNoToken;
  };

  /// Appends the parts of `text` in order. Without `with_special`, and at the offsets `plain` (in ascending order),
  /// tokens marked special are ordinary text. Whitespace that lstrip and rstrip take belongs to the token's part.
  void split(std::string_view text, bool with_special, std::span<const size_t> plain, std::vector<Part>& parts) const;

 private:
  static bool stands_alone(std::string_view text, size_t begin, size_t end);

  std::vector<AddedToken> tokens_;
  ByteTrie all_;       // values are indices of tokens_
  ByteTrie ordinary_;  // without special ones
};

}  // namespace ondol
