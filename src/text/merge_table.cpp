#include "text/merge_table.h"

#include <algorithm>

namespace ondol {
namespace {

// Up to here looking at all pairs each time beats keeping a queue.
constexpr size_t kShortWord = 24;

/// Makes the symbol at `left` the joined one and takes its successor out of the chain.
void join(std::vector<MergeSymbol>& symbols, int32_t left, TokenId id) {
  MergeSymbol& symbol = symbols[static_cast<size_t>(left)];
  MergeSymbol& taken = symbols[static_cast<size_t>(symbol.next)];
  symbol.id = id;
  symbol.size += taken.size;
  symbol.next = taken.next;
  taken.size = 0;
  if (symbol.next >= 0) symbols[static_cast<size_t>(symbol.next)].previous = left;
}

}  // namespace

MergeTable::MergeTable(size_t expected) {
  size_t size = 16;
  while (size < expected * 2) size *= 2;
  slots_.resize(size);
}

void MergeTable::add(TokenId left, TokenId right, Merge merge) {
  const uint64_t key = key_of(left, right);
  const size_t mask = slots_.size() - 1;
  size_t at = hash(key) & mask;
  while (slots_[at].key != kFree) {
    if (slots_[at].key == key) return;
    at = (at + 1) & mask;
  }
  slots_[at] = {key, merge};
}

void MergeTable::run(std::vector<MergeSymbol>& symbols, TokenId excluded, Scratch& scratch) const {
  if (symbols.size() < 2) return;
  symbols.size() <= kShortWord ? run_short(symbols, excluded, scratch) : run_queue(symbols, excluded, scratch);
}

void MergeTable::run_short(std::vector<MergeSymbol>& symbols, TokenId excluded, Scratch& scratch) const {
  // pending[i] is the merge of the symbol at i with its successor.
  std::vector<Merge>& pending = scratch.pending;
  pending.assign(symbols.size(), {});
  const auto look_up = [&](int32_t at) {
    const MergeSymbol& symbol = symbols[static_cast<size_t>(at)];
    Merge merge;
    if (symbol.next >= 0) merge = find(symbol.id, symbols[static_cast<size_t>(symbol.next)].id);
    pending[static_cast<size_t>(at)] = merge.id == excluded ? Merge{} : merge;
  };
  for (size_t i = 0; i + 1 < symbols.size(); ++i) look_up(static_cast<int32_t>(i));
  for (;;) {
    int32_t best = -1;
    for (int32_t at = 0; at >= 0; at = symbols[static_cast<size_t>(at)].next) {
      const Merge& merge = pending[static_cast<size_t>(at)];
      if (merge.id != kNoToken && (best < 0 || merge.rank < pending[static_cast<size_t>(best)].rank)) best = at;
    }
    if (best < 0) return;
    join(symbols, best, pending[static_cast<size_t>(best)].id);
    look_up(best);
    const int32_t previous = symbols[static_cast<size_t>(best)].previous;
    if (previous >= 0) look_up(previous);
  }
}

void MergeTable::run_queue(std::vector<MergeSymbol>& symbols, TokenId excluded, Scratch& scratch) const {
  const auto later = [](const Candidate& a, const Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
  };
  std::vector<Candidate>& queue = scratch.queue;
  queue.clear();
  const auto consider = [&](int32_t left) -> bool {
    if (left < 0) return false;
    const MergeSymbol& symbol = symbols[static_cast<size_t>(left)];
    if (symbol.next < 0) return false;
    const TokenId right_id = symbols[static_cast<size_t>(symbol.next)].id;
    const Merge merge = find(symbol.id, right_id);
    if (merge.id == kNoToken || merge.id == excluded) return false;
    queue.push_back({merge.rank, left, symbol.id, right_id, merge.id});
    return true;
  };
  for (size_t i = 0; i + 1 < symbols.size(); ++i) consider(static_cast<int32_t>(i));
  std::make_heap(queue.begin(), queue.end(), later);
  while (!queue.empty()) {
    std::pop_heap(queue.begin(), queue.end(), later);
    const Candidate candidate = queue.back();
    queue.pop_back();
    const MergeSymbol& left = symbols[static_cast<size_t>(candidate.left)];
    const bool current = left.size != 0 && left.id == candidate.left_id && left.next >= 0 &&
                         symbols[static_cast<size_t>(left.next)].id == candidate.right_id;
    if (!current) continue;
    join(symbols, candidate.left, candidate.id);
    if (consider(left.previous)) std::push_heap(queue.begin(), queue.end(), later);
    if (consider(candidate.left)) std::push_heap(queue.begin(), queue.end(), later);
  }
}

}  // namespace ondol
