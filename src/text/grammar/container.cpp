#include <algorithm>
#include <bit>
#include <map>

#include "text/grammar/grammar_nodes.h"

namespace ondol::grammar {
namespace {

// More positions times counts than this are not looked through; the JSON Schema reader refuses them.
constexpr size_t kMaxListStates = 100'000;

bool has_bit(std::span<const int32_t> bits, size_t index) {
  return (static_cast<uint32_t>(bits[index / 32]) >> (index % 32)) & 1;
}

void set_bit(std::span<int32_t> bits, size_t index) {
  bits[index / 32] = static_cast<int32_t>(static_cast<uint32_t>(bits[index / 32]) | (1u << (index % 32)));
}

int count_bits(std::span<const int32_t> bits) {
  int n = 0;
  for (const int32_t word : bits) n += std::popcount(static_cast<uint32_t>(word));
  return n;
}

}  // namespace

// The state of a set is the number of members (0 where nobody counts) and a bit for each that comes once. The state of
// a list is the position and a number for each of `counts`, none larger than matters.

Container::State Container::initial() const {
  return State(1 + (kind == Kind::kSet ? n_words() : counts.size()), 0);
}

bool Container::can_close(std::span<const int32_t> state) const {
  if (state[0] < least) return false;
  if (kind == Kind::kList) {
    for (size_t i = 0; i < counts.size(); ++i) {
      if (state[1 + i] < counts[i].least) return false;
    }
    return true;
  }
  const auto seen = state.subspan(1);
  for (size_t i = 0; i < seen.size(); ++i) {
    if (required_bits_[i] & ~seen[i]) return false;
  }
  for (const auto& [member, needs] : dependent) {
    if (!has_bit(seen, static_cast<size_t>(member))) continue;
    for (const int need : needs) {
      if (!has_bit(seen, static_cast<size_t>(need))) return false;
    }
  }
  return true;
}

bool Container::can_add(std::span<const int32_t> state, size_t index, State& after) const {
  if (!members[index].productive) return false;
  return kind == Kind::kSet ? set_can_add(state, index, after) : list_can_add(state, index, after);
}

bool Container::set_can_add(std::span<const int32_t> state, size_t index, State& after) const {
  const auto seen = state.subspan(1);
  const bool once = index < n_once_;
  if (once && has_bit(seen, index)) return false;
  if (once && ordered) {
    for (size_t i = 0; i < n_once_; ++i) {
      if (i < index ? has_bit(required_bits_, i) && !has_bit(seen, i) : has_bit(seen, i)) return false;
    }
    int possible = state[0] + 1;
    bool open = false;
    for (size_t i = index + 1; i < members.size(); ++i) {
      possible += members[i].productive;
      open = open || (members[i].productive && !members[i].once);
    }
    if (!open && possible < least) return false;
  }
  after.assign(state.begin(), state.end());
  if (once) set_bit(std::span(after).subspan(1), index);
  if (most < 0) {
    after[0] = std::min(state[0] + 1, least);
    return true;
  }
  after[0] = state[0] + 1;
  std::vector<int32_t> missing = required_bits_;
  for (size_t i = 0; i < n_once_; ++i) {
    if (!has_bit(std::span(after).subspan(1), i)) continue;
    for (size_t word = 0; word < missing.size(); ++word) missing[word] |= needed_bits_[i][word];
  }
  for (size_t word = 0; word < missing.size(); ++word) missing[word] &= ~after[1 + word];
  return after[0] + count_bits(missing) <= most;
}

bool Container::list_can_add(std::span<const int32_t> state, size_t index, State& after) const {
  const auto n_variants = size_t{1} << counts.size();
  const int position = static_cast<int>(index / n_variants);
  if (position != std::min(state[0], n_prefix) || (most >= 0 && state[0] >= most)) return false;
  after.assign(state.begin(), state.end());
  after[0] = most >= 0 ? state[0] + 1 : std::min(state[0] + 1, std::max(n_prefix, least));
  for (size_t i = 0; i < counts.size(); ++i) {
    if (((index % n_variants) >> i & 1) == 0) continue;
    int32_t& n = after[1 + i];
    ++n;
    if (counts[i].most >= 0 && n > counts[i].most) return false;
    if (counts[i].most < 0) n = std::min(n, counts[i].least);
  }
  return counts.empty() || can_finish(after);
}

bool Container::settle() {
  return kind == Kind::kSet ? settle_set() : settle_list();
}

bool Container::settle_set() {
  n_once_ = 0;
  while (n_once_ < members.size() && members[n_once_].once) ++n_once_;
  required_bits_.assign(n_words(), 0);
  needed_bits_.assign(n_once_, required_bits_);
  for (const int index : required) set_bit(required_bits_, static_cast<size_t>(index));
  for (size_t i = 0; i < n_once_; ++i) set_bit(needed_bits_[i], i);
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [member, needs] : dependent) {
      for (size_t i = 0; i < n_once_; ++i) {
        if (!has_bit(needed_bits_[i], static_cast<size_t>(member))) continue;
        for (const int need : needs) {
          if (has_bit(needed_bits_[i], static_cast<size_t>(need))) continue;
          set_bit(needed_bits_[i], static_cast<size_t>(need));
          changed = true;
        }
      }
    }
  }
  int possible = 0;
  bool open = false;
  const auto all_needs_can_come = [&](size_t member) {
    for (size_t i = 0; i < n_once_; ++i) {
      if (has_bit(needed_bits_[member], i) && !members[i].productive) return false;
    }
    return true;
  };
  std::vector<bool> blocked(members.size(), false);
  for (size_t i = 0; i < n_once_; ++i) blocked[i] = !all_needs_can_come(i);
  for (size_t i = 0; i < members.size(); ++i) {
    members[i].productive = members[i].productive && !blocked[i];
    possible += members[i].productive;
    open = open || (members[i].productive && !members[i].once);
  }
  std::vector<int32_t> needed(n_words(), 0);
  for (const int index : required) {
    if (!members[static_cast<size_t>(index)].productive) return false;
    for (size_t word = 0; word < needed.size(); ++word) needed[word] |= needed_bits_[static_cast<size_t>(index)][word];
  }
  if (most >= 0 && (count_bits(needed) > most || least > most)) return false;
  return open || possible >= least;
}

bool Container::settle_list() {
  const auto n_variants = size_t{1} << counts.size();
  // No element at the first position that has none.
  for (int position = 0; position <= n_prefix; ++position) {
    bool any = false;
    for (size_t v = 0; v < n_variants; ++v)
      any = any || members[static_cast<size_t>(position) * n_variants + v].productive;
    if (any) continue;
    if (most < 0 || most > position) most = position;
    break;
  }
  if (most >= 0 && least > most) return false;
  if (counts.empty()) return true;
  // From every state that can be reached, whether the list can still be closed: backwards from those that can be.
  finish_.clear();
  std::map<State, bool> reached = {{initial(), true}};
  std::vector<State> pending = {initial()};
  while (!pending.empty() && reached.size() < kMaxListStates) {
    const State state = pending.back();
    pending.pop_back();
    for (size_t i = 0; i < members.size(); ++i) {
      State after;
      if (!members[i].productive || !list_can_add(state, i, after)) continue;
      if (reached.emplace(after, true).second) pending.push_back(after);
    }
  }
  for (const auto& [state, unused] : reached) finish_.emplace_back(state, can_close(state));
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t at = finish_.size(); at-- > 0;) {
      if (finish_[at].second) continue;
      for (size_t i = 0; i < members.size() && !finish_[at].second; ++i) {
        State after;
        finish_[at].second = members[i].productive && list_can_add(finish_[at].first, i, after);
      }
      changed = changed || finish_[at].second;
    }
  }
  return can_finish(initial());
}

/// While the table is being made, everything counts as possible.
bool Container::can_finish(const State& state) const {
  if (finish_.empty()) return true;
  const auto at = std::lower_bound(finish_.begin(), finish_.end(), state,
                                   [](const auto& entry, const State& key) { return entry.first < key; });
  return at != finish_.end() && at->first == state && at->second;
}

}  // namespace ondol::grammar
