// PrefixCache: keys and values of texts that have ended, found again by their tokens.
//
// A radix tree over tokens (Zheng et al., SGLang, 2024). An edge holds a run of tokens and the pages with their keys
// and values; texts that begin alike share both. The least recently used ends are given up when pages are wanted. Used
// by the thread that owns the engine.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "nn/kv_cache.h"
#include "text/tokenizer.h"

namespace ondol {

class PrefixCache {
 public:
  explicit PrefixCache(KvCache& cache);
  ~PrefixCache();

  /// A sequence that holds the longest known beginning of `tokens`, at most all but the last one.
  KvSequence find(std::span<const TokenId> tokens);

  /// Remembers a sequence of these tokens; the sequence may go on being used.
  void insert(std::span<const TokenId> tokens, const KvSequence& sequence);

  /// Gives up the least recently used until `n` pages are free, or nothing is left; the number of free pages.
  int make_room(int n);

  int n_pages() const;   // that no running sequence uses
  int n_tokens() const;  // remembered

 private:
  struct Node;
  KvCache* cache_;
  std::unique_ptr<Node> root_;
};

}  // namespace ondol
