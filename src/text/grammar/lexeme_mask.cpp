#include "text/grammar/lexeme_mask.h"

#include <algorithm>
#include <array>
#include <bit>

namespace ondol::grammar {
namespace {

constexpr size_t kMaxCacheBytes = size_t{128} << 20;
// A walk that makes terms of more bytes than this is given up; see LexemeMask::incomplete.
constexpr size_t kMaxNewBytes = size_t{16} << 20;
// Below so few nodes tokens are listed.
constexpr uint32_t kFewNodes = 5000;
// Below fewer nodes than this, walking is as quick as looking for a loop.
constexpr uint32_t kSmallSubtree = 4;

/// A set of nodes of a part of the trie.
class NodeSet {
 public:
  NodeSet() = default;
  NodeSet(uint32_t first, uint32_t end) : first_(first / 64 * 64), words_((end - first_) / 64 + 1) {}

  bool empty() const { return is_empty_; }
  void insert(uint32_t node) {
    is_empty_ = false;
    words_[(node - first_) / 64] |= uint64_t{1} << node % 64;
  }
  void insert(uint32_t first, uint32_t end) {
    while (first < end && first % 64 != 0) insert(first++);
    for (; first + 64 <= end; first += 64) words_[(first - first_) / 64] = ~uint64_t{0};
    while (first < end) insert(first++);
  }
  bool contains(uint32_t node) const { return words_[(node - first_) / 64] >> node % 64 & 1; }

  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (size_t i = 0; i < words_.size(); ++i) {
      for (uint64_t word = words_[i]; word != 0; word &= word - 1) {
        visit(first_ + static_cast<uint32_t>(i * 64 + static_cast<size_t>(std::countr_zero(word))));
      }
    }
  }

 private:
  uint32_t first_ = 0;
  std::vector<uint64_t> words_;
  bool is_empty_ = true;
};

/// Walks over the trie with a state per depth, and the similar state's beside it. Subtrees to which both do the same
/// are left as the similar mask has them, which the mask begins as.
class LexemeWalk {
 public:
  LexemeWalk(TermStore& terms, const TokenTrie& trie, LexemeMask& mask, const LexemeMask* similar)
      : terms_(terms), trie_(trie), mask_(mask), similar_(similar) {}

  void run(uint32_t start, TermId term, TermId similar_state) {
    const size_t max_bytes = terms_.size_bytes() + kMaxNewBytes;
    behind_ = NodeSet(start, trie_.end[start]);
    if (similar_ != nullptr) kept_ = NodeSet(start, trie_.end[start]);
    states_[trie_.depth[start]] = term;
    others_[trie_.depth[start]] = similar_state;
    for (uint32_t node = start + 1; node < trie_.end[start] && !mask_.incomplete;) {
      node = visit(node);
      mask_.incomplete = terms_.size_bytes() > max_bytes;
    }
    if (similar_ != nullptr) {
      for (const uint32_t node : similar_->behind) {
        if (kept_.contains(node)) behind_.insert(node);
      }
    }
    store_behind();
  }

 private:
  /// The next node to visit.
  uint32_t visit(uint32_t node) {
    const size_t depth = trie_.depth[node];
    const uint32_t end = trie_.end[node];
    const TermId state = terms_.next(states_[depth - 1], trie_.byte[node]);
    states_[depth] = state;
    if (similar_ != nullptr) {
      others_[depth] = terms_.next(others_[depth - 1], trie_.byte[node]);
      if (does_the_same(node, state, others_[depth])) {
        kept_.insert(node + 1, end);
        return end;
      }
      erase(node, state == TermStore::kNothing ? end : node + 1);
    }
    if (state == TermStore::kNothing) return end;
    if (end > node + kSmallSubtree) {
      const TermStore::Loop loop = terms_.loop_of(state);
      if ((trie_.below[node] & ~loop.classes) == 0 && (loop.most < 0 || trie_.height[node] <= loop.most)) {
        insert(node, end);
        for (uint32_t below = node + 1; loop.may_end && below < end; ++below) {
          if ((trie_.byte[below] & 0xC0) != 0x80) behind_.insert(below);
        }
        return end;
      }
    }
    insert(node, node + 1);
    if (end > node + 1 && terms_.is_nullable(state)) {
      for (uint32_t child = node + 1; child < end; child = trie_.end[child]) behind_.insert(child);
    }
    return node + 1;
  }

  bool does_the_same(uint32_t node, TermId state, TermId other) {
    if (state == other) return true;
    if (state == TermStore::kNothing || other == TermStore::kNothing) return false;
    // A bound that no token below reaches does not matter.
    const TermStore::Loop loop = terms_.loop_of(state);
    return loop.only_unbounded && loop.unbounded == other && trie_.height[node] <= loop.most;
  }

  void insert(uint32_t first_node, uint32_t end_node) {
    const auto first = trie_.tokens.begin() + trie_.first_token[first_node];
    const auto end = trie_.tokens.begin() + trie_.first_token[end_node];
    if (mask_.inside.words().empty()) {
      mask_.few_inside.insert(mask_.few_inside.end(), first, end);
    } else {
      std::for_each(first, end, [&](TokenId token) { mask_.inside.insert(token); });
    }
  }

  void erase(uint32_t first_node, uint32_t end_node) {
    for (uint32_t i = trie_.first_token[first_node]; i < trie_.first_token[end_node]; ++i) {
      mask_.inside.erase(trie_.tokens[i]);
    }
  }

  void store_behind() {
    if (behind_.empty()) return;
    mask_.starts.assign(257, 0);
    behind_.for_each([&](uint32_t node) { ++mask_.starts[trie_.byte[node] + size_t{1}]; });
    for (size_t i = 1; i < mask_.starts.size(); ++i) mask_.starts[i] += mask_.starts[i - 1];
    mask_.behind.resize(mask_.starts[256]);
    std::vector<uint32_t> next = mask_.starts;
    behind_.for_each([&](uint32_t node) { mask_.behind[next[trie_.byte[node]]++] = node; });
  }

  TermStore& terms_;
  const TokenTrie& trie_;
  LexemeMask& mask_;
  const LexemeMask* similar_;
  NodeSet behind_;
  NodeSet kept_;
  std::array<TermId, TokenTrie::kMaxDepth + 1> states_{};
  std::array<TermId, TokenTrie::kMaxDepth + 1> others_{};
};

}  // namespace

TermId similar_state(TermStore& terms, TermId term) {
  const TermStore::Loop loop = terms.loop_of(term);
  if (loop.classes != 0 && loop.only_unbounded) return loop.unbounded == term ? TermStore::kNothing : loop.unbounded;
  // The state behind an ordinary letter, if the lexeme stays there.
  const TermId next = terms.next(term, 'e');
  return next != term && next != TermStore::kNothing && terms.next(next, 'e') == next ? next : TermStore::kNothing;
}

LexemeMask make_lexeme_mask(TermStore& terms, TermId term, const TokenTrie& trie, uint32_t start, int vocabulary_size,
                            TermId similar_state, const LexemeMask* similar) {
  const bool few = trie.end[start] - start <= kFewNodes;
  LexemeMask mask{.inside = TokenSet(few ? 0 : vocabulary_size), .few_inside = {}, .behind = {}, .starts = {}};
  if (few) similar = nullptr;
  if (similar != nullptr) mask.inside = similar->inside;
  LexemeWalk(terms, trie, mask, similar).run(start, term, similar_state);
  return mask;
}

std::shared_ptr<const LexemeMask> LexemeMaskCache::find(const TermHash& state, uint32_t start) {
  const std::lock_guard lock(mutex_);
  const auto found = masks_.find(key_of(state, start));
  return found == masks_.end() ? nullptr : found->second;
}

void LexemeMaskCache::insert(const TermHash& state, uint32_t start, std::shared_ptr<const LexemeMask> mask) {
  const std::lock_guard lock(mutex_);
  size_bytes_ += mask->size_bytes();
  if (size_bytes_ > kMaxCacheBytes) {
    masks_.clear();
    size_bytes_ = mask->size_bytes();
  }
  masks_[key_of(state, start)] = std::move(mask);
}

}  // namespace ondol::grammar
