#include "runtime/ngram_drafter.h"

#include <algorithm>

namespace ondol {
namespace {

constexpr size_t kFewestSlots = 1024;

/// Agreement further back says nothing more.
constexpr size_t kLongestMatch = 16;

/// What follows `match` tokens that agree.
GuessKind kind_after(size_t match) {
  if (match < 4) return GuessKind::kAfterRunOf2;
  if (match < 8) return GuessKind::kAfterRunOf4;
  return match < kLongestMatch ? GuessKind::kAfterRunOf8 : GuessKind::kAfterRunOf16;
}

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

void NgramDrafter::begin(std::span<const TokenId> text) {
  text_.clear();
  for (auto& table : followers_) table.clear();
  for (const TokenId token : text) accept(token);
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

std::vector<Guess> NgramDrafter::guess(int n, const Sampler*, const AnotherPays&) {
  std::vector<Guess> guesses;
  const size_t follower = find_follower();
  if (follower == 0) return guesses;
  const size_t size = text_.size();
  const size_t longest = std::min(follower, kLongestMatch);
  size_t match = 0;
  while (match < longest && text_[follower - 1 - match] == text_[size - 1 - match]) ++match;
  for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
    const size_t at = follower + i;
    guesses.push_back({at < size ? text_[at] : guesses[at - size].token, kind_after(match + i)});
  }
  return guesses;
}

}  // namespace ondol
