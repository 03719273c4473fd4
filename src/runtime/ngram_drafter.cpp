#include "runtime/ngram_drafter.h"

#include <algorithm>

namespace ondol {
namespace {

constexpr size_t kFewestSlots = 1024;

}  // namespace

/// The slot of the run of kRuns[run] tokens that ends before `end`.
size_t NgramDrafter::slot_of(size_t run, size_t end) const {
  uint64_t hash = kRuns[run];
  for (size_t i = end - kRuns[run]; i < end; ++i) {
    hash = (hash ^ static_cast<uint32_t>(text_[i])) * 0x9e3779b97f4a7c15ull;
    hash ^= hash >> 32;
  }
  return hash & (followers_[run].size() - 1);
}

/// The runs that end before `end` are followed by what stands there.
void NgramDrafter::remember(size_t end) {
  for (size_t run = 0; run < kRuns.size(); ++run) {
    if (end >= kRuns[run]) followers_[run][slot_of(run, end)] = static_cast<uint32_t>(end);
  }
}

void NgramDrafter::grow() {
  const size_t n_slots = std::max(kFewestSlots, 2 * followers_[0].size());
  for (auto& table : followers_) table.assign(n_slots, 0);
  for (size_t end = 1; end < text_.size(); ++end) remember(end);
}

void NgramDrafter::accept(TokenId token) {
  text_.push_back(token);
  if (2 * text_.size() > followers_[0].size()) {
    grow();
  } else {
    remember(text_.size() - 1);
  }
}

/// Where the token stands that followed when the text last ended as now; 0 when it never did.
size_t NgramDrafter::find_follower() const {
  for (size_t run = 0; run < kRuns.size(); ++run) {
    const size_t length = kRuns[run];
    if (text_.size() <= length) continue;
    const size_t follower = followers_[run][slot_of(run, text_.size())];
    if (follower == 0) continue;
    const auto before = text_.begin() + static_cast<long>(follower);
    if (std::equal(before - static_cast<long>(length), before, text_.end() - static_cast<long>(length))) {
      return follower;
    }
  }
  return 0;
}

Draft NgramDrafter::guess(int n) const {
  Draft draft;
  const size_t follower = find_follower();
  if (follower == 0) return draft;
  const size_t size = text_.size();
  const auto longest = std::min(follower, static_cast<size_t>(kLongestMatch));
  size_t match = 0;
  while (match < longest && text_[follower - 1 - match] == text_[size - 1 - match]) ++match;
  draft.match = static_cast<int>(match);
  for (size_t i = follower; i < follower + static_cast<size_t>(n); ++i) {
    draft.tokens.push_back(i < size ? text_[i] : draft.tokens[i - size]);
  }
  return draft;
}

}  // namespace ondol
