#include "text/grammar/token_trie.h"

#include <algorithm>

namespace ondol::grammar {

TokenTrie TokenTrie::create(const Tokenizer& tokenizer) {
  TokenTrie trie;
  const TokenId n = tokenizer.vocabulary_size();
  std::vector<TokenId> sorted;
  trie.starts.push_back(0);
  for (TokenId id = 0; id < n; ++id) {
    // What is no text: control tokens, those that end a text, unused ones, and those that give no bytes.
    if (!tokenizer.is_control(id) && !tokenizer.is_unused(id) && !tokenizer.ends_generation(id)) {
      const std::string piece = tokenizer.piece(id);
      trie.all_bytes += piece;
      if (!piece.empty()) {
        ++trie.n_text_tokens;
        (piece.size() > kMaxDepth ? trie.long_tokens : sorted).push_back(id);
      }
    }
    trie.starts.push_back(static_cast<uint32_t>(trie.all_bytes.size()));
  }
  std::sort(sorted.begin(), sorted.end(), [&](TokenId a, TokenId b) {
    const int order = trie.text(a).compare(trie.text(b));
    return order != 0 ? order < 0 : a < b;
  });

  std::vector<uint32_t> path;  // the nodes of the token before
  const auto add_node = [&](uint8_t byte) {
    path.push_back(static_cast<uint32_t>(trie.byte.size()));
    trie.byte.push_back(byte);
    trie.depth.push_back(static_cast<uint8_t>(path.size() - 1));
    trie.end.push_back(0);
    trie.first_token.push_back(static_cast<uint32_t>(trie.tokens.size()));
  };
  const auto close_to = [&](size_t n_kept) {
    while (path.size() > n_kept) {
      trie.end[path.back()] = static_cast<uint32_t>(trie.byte.size());
      path.pop_back();
    }
  };
  add_node(0);
  std::string_view before;
  for (const TokenId id : sorted) {
    const std::string_view text = trie.text(id);
    const auto common =
        static_cast<size_t>(std::mismatch(text.begin(), text.end(), before.begin(), before.end()).first - text.begin());
    close_to(1 + common);
    for (size_t i = common; i < text.size(); ++i) add_node(static_cast<uint8_t>(text[i]));
    trie.tokens.push_back(id);
    before = text;
  }
  close_to(0);
  trie.first_token.push_back(static_cast<uint32_t>(trie.tokens.size()));
  trie.summarize();
  return trie;
}

/// Fills `below` and `height`, from the last node to the first.
void TokenTrie::summarize() {
  below.assign(size(), 0);
  height.assign(size(), 0);
  for (auto node = static_cast<uint32_t>(size()); node-- > 0;) {
    for (uint32_t child = node + 1; child < end[node]; child = end[child]) {
      height[node] = std::max(height[node], static_cast<uint8_t>(1 + height[child]));
      const uint8_t lead = byte[child];
      const Utf8Lead rest = utf8_lead(lead);
      if (lead < 0x80) {
        below[node] |= class_of(lead) | below[child];
      } else if (rest.n_missing > 0) {
        below[node] |= classes_behind(child, rest.n_missing, rest.first, rest.last);
      } else {
        below[node] |= kOddBytes;
      }
    }
  }
}

/// Below `node`, where a character has begun of which `n_missing` bytes are missing, the next one from first to last.
ByteClasses TokenTrie::classes_behind(uint32_t node, int n_missing, int first, int last) const {
  ByteClasses classes = first_token[node] < first_token[node + 1] ? kOddBytes : 0;
  for (uint32_t child = node + 1; child < end[node]; child = end[child]) {
    if (byte[child] < first || byte[child] > last) {
      classes |= kOddBytes;
    } else if (n_missing > 1) {
      classes |= classes_behind(child, n_missing - 1, 0x80, 0xBF);
    } else {
      classes |= kMultiByteCharacters | below[child];
    }
  }
  return classes;
}

}  // namespace ondol::grammar
