// PrefixCache: keys and values of texts, found again by their tokens.
//
// A radix tree over tokens (Zheng et al., SGLang, 2024). A node stands for a beginning of texts, down to where they
// part or one ends, and holds a sequence of the KV cache with its positions; so pages are shared between nodes and with
// running texts, and counted by the cache itself. Edges split at any token: a page in which two texts part exists once
// for each of them. The least recently used ends are given up, page by page from their tails, when pages are wanted.
// Used by the thread that owns the engine.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "nn/kv_cache.h"
#include "runtime/prefix_kind.h"
#include "text/tokenizer.h"

namespace ondol {

class PrefixStore;
struct PrefixText;

class PrefixCache {
 public:
  /// Gives up pages by itself, all of them if need be, when a sequence finds none free (KvCache::on_shortage). `store`,
  /// or null, keeps on disk what is given up. Both must outlive this.
  explicit PrefixCache(KvCache& cache, PrefixStore* store = nullptr);
  ~PrefixCache();
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  /// A sequence that holds the longest known beginning of `tokens`, at most all but the last one.
  KvSequence find(std::span<const TokenId> tokens, const PrefixKind& kind = {});

  /// Remembers a sequence of these tokens; the sequence may go on being used.
  void insert(std::span<const TokenId> tokens, const KvSequence& sequence, const PrefixKind& kind = {});

  /// Gives up the least recently used until `n` pages are free, or nothing is left that only this cache uses; the
  /// number of free pages.
  int make_room(int n);

  /// Takes a text from the store before anybody asks for it, when as many pages are free.
  void take_back(const PrefixText& text);

  /// Forgets everything, what others use as well.
  void clear();

  /// Hands all that is remembered to the store, if there is one: everything, or as much as it takes without waiting.
  /// False when something was left out.
  bool save(bool waits);

  int n_pages() const;   // that nobody else uses
  int n_tokens() const;  // remembered

 private:
  struct Node;
  struct Match;
  Node& root(const PrefixKind& kind);
  Match match(Node& root, std::span<const TokenId> tokens);
  Node& split(Node& node, size_t n);
  void hold(Node& node, KvSequence sequence);
  void count_pages(const KvSequence& sequence, int first_page, int change);
  void forget_if_empty(const PrefixKind& kind);
  void extend_from_store(std::span<const TokenId> tokens, const PrefixKind& kind, const Match& known);
  Node* least_recent_end();
  void trim(Node& node, int n_wanted);
  void remove(Node& node);
  bool save(const Node& node, bool waits);
  bool is_used(int32_t page) const;  // by others

  KvCache* cache_;
  PrefixStore* store_;
  std::map<PrefixKind, std::unique_ptr<Node>> roots_;  // empty ones only during a call
  std::vector<int> held_;                              // per page of the cache: references of this tree
  uint64_t now_ = 0;                                   // counts uses
};

}  // namespace ondol
