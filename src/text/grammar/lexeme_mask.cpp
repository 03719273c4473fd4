#include "text/grammar/lexeme_mask.h"

#include <algorithm>
#include <array>

namespace ondol::grammar {
namespace {

constexpr size_t kMaxCacheBytes = size_t{128} << 20;
// A walk that makes more states than this is given up; see LexemeMask::incomplete.
constexpr size_t kMaxNewTerms = 30'000;
// Below fewer nodes than this, walking is as quick as looking for a loop.
constexpr uint32_t kSmallSubtree = 4;

}  // namespace

LexemeMask make_lexeme_mask(TermStore& terms, TermId term, const TokenTrie& trie, uint32_t start, int vocabulary_size) {
  LexemeMask mask{.inside = TokenSet(vocabulary_size), .behind = {}, .starts = std::vector<uint32_t>(257, 0)};
  const size_t max_terms = terms.size() + kMaxNewTerms;
  std::array<TermId, TokenTrie::kMaxDepth + 1> states{};
  states[trie.depth[start]] = term;
  std::vector<uint32_t> loops;  // nodes below which the lexeme may end behind every character
  std::vector<uint32_t> ends;   // nodes where the lexeme may end and tokens go on
  const auto insert = [&](uint32_t first_node, uint32_t end_node) {
    for (uint32_t i = trie.first_token[first_node]; i < trie.first_token[end_node]; ++i) {
      mask.inside.insert(trie.tokens[i]);
    }
  };
  for (uint32_t node = start + 1; node < trie.end[start];) {
    const size_t depth = trie.depth[node];
    const TermId state = terms.next(states[depth - 1], trie.byte[node]);
    if (state == TermStore::kNothing) {
      node = trie.end[node];
      continue;
    }
    if (terms.size() > max_terms) {
      mask.incomplete = true;
      break;
    }
    states[depth] = state;
    if (trie.end[node] > node + kSmallSubtree) {
      const TermStore::Loop loop = terms.loop_of(state);
      if ((trie.below[node] & ~loop.classes) == 0 && (loop.most < 0 || trie.height[node] <= loop.most)) {
        insert(node, trie.end[node]);
        if (loop.may_end) loops.push_back(node);
        node = trie.end[node];
        continue;
      }
    }
    insert(node, node + 1);
    if (trie.end[node] > node + 1 && terms.is_nullable(state)) ends.push_back(node);
    ++node;
  }
  // Children by byte: counted, then placed.
  const auto for_each_child = [&](auto&& visit) {
    for (const uint32_t node : loops) {
      for (uint32_t child = node + 1; child < trie.end[node]; ++child) {
        if ((trie.byte[child] & 0xC0) != 0x80) visit(child);
      }
    }
    for (const uint32_t node : ends) {
      for (uint32_t child = node + 1; child < trie.end[node]; child = trie.end[child]) visit(child);
    }
  };
  for_each_child([&](uint32_t child) { ++mask.starts[trie.byte[child] + size_t{1}]; });
  for (size_t i = 1; i < mask.starts.size(); ++i) mask.starts[i] += mask.starts[i - 1];
  mask.behind.resize(mask.starts[256]);
  std::vector<uint32_t> next = mask.starts;
  for_each_child([&](uint32_t child) { mask.behind[next[trie.byte[child]]++] = child; });
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
