// Packing: which texts share a sequence of fixed length, and in which order sequences come in an epoch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ondol::train {

/// The numbers 0 to n-1 in an order that depends on seed and stream alone.
std::vector<uint32_t> shuffled(uint32_t n, uint64_t seed, uint64_t stream);

/// Bins of item numbers: bin i is items[begins[i]] to items[begins[i + 1]].
struct Packing {
  std::vector<uint32_t> items;
  std::vector<uint64_t> begins;

  size_t size() const { return begins.empty() ? 0 : begins.size() - 1; }
  std::span<const uint32_t> bin(size_t i) const {
    return std::span(items).subspan(begins[i], begins[i + 1] - begins[i]);
  }
};

/// Best-fit decreasing: the longest item first, each into the fullest bin that has room for it. Items of a length, and
/// bins equally full, are taken in the order of `order`. `lengths` are in [1, capacity]; time is n log capacity.
Packing pack_best_fit(std::span<const uint32_t> lengths, std::span<const uint32_t> order, uint32_t capacity);

/// Every item alone.
Packing pack_singly(std::span<const uint32_t> order);

}  // namespace ondol::train
