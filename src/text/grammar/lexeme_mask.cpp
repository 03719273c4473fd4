#include "text/grammar/lexeme_mask.h"

#include <algorithm>
#include <array>

namespace ondol::grammar {
namespace {

constexpr size_t kMaxCacheBytes = size_t{128} << 20;
// A walk that makes more states than this is given up; see LexemeMask::incomplete.
constexpr size_t kMaxNewTerms = 30'000;

}  // namespace

LexemeMask make_lexeme_mask(TermStore& terms, TermId term, const TokenTrie& trie, int vocabulary_size) {
  LexemeMask mask{.inside = TokenSet(vocabulary_size), .behind = {}, .starts = std::vector<uint32_t>(257, 0)};
  const size_t max_terms = terms.size() + kMaxNewTerms;
  std::array<TermId, TokenTrie::kMaxDepth + 1> states{};
  states[0] = term;
  std::vector<uint32_t> ends;  // nodes where the lexeme may end and tokens go on
  const auto n_nodes = static_cast<uint32_t>(trie.size());
  for (uint32_t node = 1; node < n_nodes;) {
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
    for (uint32_t i = trie.first_token[node]; i < trie.first_token[node + 1]; ++i) mask.inside.insert(trie.tokens[i]);
    if (trie.end[node] > node + 1 && terms.is_nullable(state)) ends.push_back(node);
    ++node;
  }
  // Children by byte: counted, then placed.
  const auto for_each_child = [&](auto&& visit) {
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

std::shared_ptr<const LexemeMask> LexemeMaskCache::find(const TermHash& state) {
  const std::lock_guard lock(mutex_);
  const auto found = masks_.find(state);
  return found == masks_.end() ? nullptr : found->second;
}

void LexemeMaskCache::insert(const TermHash& state, std::shared_ptr<const LexemeMask> mask) {
  const std::lock_guard lock(mutex_);
  size_bytes_ += mask->size_bytes();
  if (size_bytes_ > kMaxCacheBytes) {
    masks_.clear();
    size_bytes_ = mask->size_bytes();
  }
  masks_[state] = std::move(mask);
}

}  // namespace ondol::grammar
