#include "train/data/packing.h"

#include <numeric>

#include "base/check.h"
#include "base/philox.h"

namespace ondol::train {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

/// Bins by the room left in them: a queue for each amount, and a tree over the amounts that says which are there.
class OpenBins {
 public:
  explicit OpenBins(uint32_t capacity) {
    while (n_leaves_ <= capacity) n_leaves_ *= 2;
    count_.resize(2 * n_leaves_);
    first_.resize(n_leaves_, kNone);
    last_.resize(n_leaves_, kNone);
  }

  void push(uint32_t bin, uint32_t room) {
    if (next_.size() <= bin) next_.resize(bin + 1);
    next_[bin] = kNone;
    if (first_[room] == kNone) {
      first_[room] = bin;
    } else {
      next_[last_[room]] = bin;
    }
    last_[room] = bin;
    for (size_t node = n_leaves_ + room; node > 0; node /= 2) ++count_[node];
  }

  /// The smallest room of at least `wanted` that some bin has; kNone when there is none.
  uint32_t find(uint32_t wanted) const {
    size_t node = n_leaves_ + wanted;
    if (count_[node] > 0) return wanted;
    while (node > 1) {
      const bool is_left = node % 2 == 0;
      node /= 2;
      if (!is_left || count_[2 * node + 1] == 0) continue;
      node = 2 * node + 1;
      while (node < n_leaves_) node = count_[2 * node] > 0 ? 2 * node : 2 * node + 1;
      return static_cast<uint32_t>(node - n_leaves_);
    }
    return kNone;
  }

  uint32_t pop(uint32_t room) {
    const uint32_t bin = first_[room];
    first_[room] = next_[bin];
    for (size_t node = n_leaves_ + room; node > 0; node /= 2) --count_[node];
    return bin;
  }

 private:
  size_t n_leaves_ = 1;
  std::vector<uint32_t> count_;  // bins below each node of the tree
  std::vector<uint32_t> first_, last_, next_;
};

/// `order`, stably sorted by falling length.
std::vector<uint32_t> longest_first(std::span<const uint32_t> lengths, std::span<const uint32_t> order,
                                    uint32_t capacity) {
  std::vector<uint32_t> begin(capacity + 2);
  for (const uint32_t item : order) ++begin[capacity - lengths[item] + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<uint32_t> sorted(order.size());
  for (const uint32_t item : order) sorted[begin[capacity - lengths[item]]++] = item;
  return sorted;
}

}  // namespace

std::vector<uint32_t> shuffled(uint32_t n, uint64_t seed, uint64_t stream) {
  std::vector<uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  for (uint32_t i = n; i > 1; --i) {
    // The high half of a product with 64 random bits: the bias, below 2^-32, is nothing that a training could notice.
    const auto chosen = static_cast<uint32_t>((philox_bits(seed, stream, i) >> 32) * uint64_t{i} >> 32);
    std::swap(order[i - 1], order[chosen]);
  }
  return order;
}

Packing pack_best_fit(std::span<const uint32_t> lengths, std::span<const uint32_t> order, uint32_t capacity) {
  for (const uint32_t item : order) ONDOL_CHECK(lengths[item] >= 1 && lengths[item] <= capacity);
  const std::vector<uint32_t> sorted = longest_first(lengths, order, capacity);
  OpenBins open(capacity);
  std::vector<uint32_t> bin_of(sorted.size());
  uint32_t n_bins = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    const uint32_t length = lengths[sorted[i]];
    const uint32_t room = open.find(length);
    bin_of[i] = room == kNone ? n_bins++ : open.pop(room);
    const uint32_t left = (room == kNone ? capacity : room) - length;
    if (left > 0) open.push(bin_of[i], left);
  }
  Packing packing;
  packing.begins.resize(n_bins + 1);
  for (const uint32_t bin : bin_of) ++packing.begins[bin + 1];
  std::partial_sum(packing.begins.begin(), packing.begins.end(), packing.begins.begin());
  packing.items.resize(sorted.size());
  std::vector<uint64_t> at(packing.begins.begin(), packing.begins.end() - 1);
  for (size_t i = 0; i < sorted.size(); ++i) packing.items[at[bin_of[i]]++] = sorted[i];
  return packing;
}

Packing pack_singly(std::span<const uint32_t> order) {
  Packing packing;
  packing.items.assign(order.begin(), order.end());
  packing.begins.resize(order.size() + 1);
  std::iota(packing.begins.begin(), packing.begins.end(), uint64_t{0});
  return packing;
}

}  // namespace ondol::train
