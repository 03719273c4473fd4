// TokenTrie: the tokens of a vocabulary by their bytes, as a tree in one array.
#pragma once

#include <memory>
#include <vector>

#include "text/grammar/byte_classes.h"
#include "text/tokenizer.h"

namespace ondol::grammar {

/// Nodes are numbered from the root (0) so that those below a node follow it: up to end[node].
struct TokenTrie {
  /// Tokens of more bytes are kept apart: they are few, and walks are bounded by this depth.
  static constexpr int kMaxDepth = 48;

  std::vector<uint8_t> byte;
  std::vector<uint8_t> depth;
  std::vector<uint32_t> end;
  std::vector<uint32_t> first_token;  // of a node, in tokens; one more at the end
  std::vector<ByteClasses> below;     // what the tokens below a node consist of from there on
  std::vector<uint8_t> height;        // the most bytes of them
  std::vector<TokenId> tokens;
  std::vector<TokenId> long_tokens;

  // By token: its bytes in all_bytes, from starts[id] to starts[id + 1]; none for tokens that are not text.
  std::vector<uint32_t> starts;
  std::string all_bytes;

  int n_text_tokens = 0;

  size_t size() const { return byte.size(); }
  bool is_text(TokenId id) const { return !text(id).empty(); }
  std::string_view text(TokenId id) const {
    const auto index = static_cast<size_t>(id);
    return std::string_view(all_bytes).substr(starts[index], starts[index + 1] - starts[index]);
  }

  static TokenTrie create(const Tokenizer& tokenizer);

 private:
  void summarize();
  ByteClasses classes_behind(uint32_t node, int n_missing, int first, int last) const;
};

}  // namespace ondol::grammar
