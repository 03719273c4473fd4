// ByteTrie: finds the keys that start at a place in a text. Nodes are numbers; an edge is a hash-table entry, so memory
// grows with the keys alone. Immutable after building, hence safe to share.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace ondol {

class ByteTrie {
 public:
  /// Keeps the first value when a key comes twice. Empty keys are ignored.
  void insert(std::string_view key, TokenId value);

  bool empty() const { return values_.size() == 1; }

  /// Whether some key starts with this byte: a quick way over text that holds none.
  bool may_start(unsigned char byte) const { return root_[byte] != 0; }

  struct Match {
    TokenId value = kNoToken;
    size_t size = 0;
  };

  /// The longest key that `text` starts with; size 0 if there is none.
  Match longest(std::string_view text) const {
    Match best;
    visit(text, [&](TokenId value, size_t size) { best = {value, size}; });
    return best;
  }

  /// Calls `found(value, size)` for every key that `text` starts with, shortest first.
  template <typename Found>
  void visit(std::string_view text, Found&& found) const {
    if (text.empty()) return;
    uint32_t node = root_[static_cast<unsigned char>(text[0])];
    size_t size = 1;
    while (node != 0) {
      if (values_[node] != kNoToken) found(values_[node], size);
      if (size == text.size()) return;
      node = child(node, static_cast<unsigned char>(text[size]));
      ++size;
    }
  }

 private:
  struct Edge {
    uint64_t key = 0;  // node * 256 + byte; 0 = free (node 0 is the root, whose edges are in root_)
    uint32_t node = 0;
  };

  size_t slot_of(uint64_t key) const {
    const size_t mask = edges_.size() - 1;
    size_t at = ((key * 0x9E3779B97F4A7C15u) >> 32) & mask;
    while (edges_[at].key != 0 && edges_[at].key != key) at = (at + 1) & mask;
    return at;
  }

  uint32_t child(uint32_t node, unsigned char byte) const { return edges_[slot_of(uint64_t{node} * 256 + byte)].node; }

  uint32_t add_child(uint32_t node, unsigned char byte);

  std::array<uint32_t, 256> root_{};
  std::vector<Edge> edges_ = std::vector<Edge>(16);
  size_t n_edges_ = 0;
  std::vector<TokenId> values_ = {kNoToken};
};

}  // namespace ondol
