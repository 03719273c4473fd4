// MergeTable: which pairs of neighbouring symbols join, in which order, and the loop that joins them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace ondol {

/// A symbol of a word that is being merged: a vocabulary id (or a stand-in above the vocabulary, or kNoToken for a
/// character that no merge knows) and the bytes of the word that it covers.
struct MergeSymbol {
  TokenId id = kNoToken;
  uint32_t begin = 0;
  uint32_t size = 0;
  int32_t previous = -1;
  int32_t next = -1;
};

class MergeTable {
 public:
  struct Merge {
    uint32_t rank = 0;
    TokenId id = kNoToken;  // kNoToken: the pair does not join
  };

  explicit MergeTable(size_t expected);

  /// Keeps the first of two merges of the same pair.
  void add(TokenId left, TokenId right, Merge merge);

  Merge find(TokenId left, TokenId right) const {
    if ((left | right) < 0) return {};
    const uint64_t key = key_of(left, right);
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash(key) & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.key == key) return slot.merge;
      if (slot.key == kFree) return {};
    }
  }

  struct Candidate {
    uint32_t rank;
    int32_t left;
    TokenId left_id;
    TokenId right_id;
    TokenId id;
  };

  /// Working memory of `run`.
  struct Scratch {
    std::vector<Candidate> queue;
    std::vector<Merge> pending;
  };

  /// Joins pairs, lowest rank first and leftmost among equals, until no pair joins. On return the symbols that are left
  /// are chained by `next` from symbols[0]. Pairs that would join to `excluded` do not.
  void run(std::vector<MergeSymbol>& symbols, TokenId excluded, Scratch& scratch) const;

 private:
  static constexpr uint64_t kFree = ~uint64_t{0};
  struct Slot {
    uint64_t key = kFree;
    Merge merge;
  };

  static uint64_t key_of(TokenId left, TokenId right) {
    return (uint64_t{static_cast<uint32_t>(left)} << 32) | static_cast<uint32_t>(right);
  }
  static uint64_t hash(uint64_t key) {
    key *= 0x9E3779B97F4A7C15u;
    return key ^ (key >> 32);
  }

  void run_short(std::vector<MergeSymbol>& symbols, TokenId excluded, Scratch& scratch) const;
  void run_queue(std::vector<MergeSymbol>& symbols, TokenId excluded, Scratch& scratch) const;

  std::vector<Slot> slots_;
};

}  // namespace ondol
