#include "train/data/packing.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "base/random.h"

namespace ondol::train {
namespace {

std::vector<uint32_t> in_order(size_t n) {
  std::vector<uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  return order;
}

/// Best-fit decreasing as the textbook writes it, in quadratic time.
std::vector<std::vector<uint32_t>> textbook(const std::vector<uint32_t>& lengths, std::vector<uint32_t> order,
                                            uint32_t capacity) {
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return lengths[a] > lengths[b]; });
  struct Bin {
    uint32_t room;
    size_t since;  // when it came to have this room
    std::vector<uint32_t> items;
  };
  std::vector<Bin> bins;
  size_t now = 0;
  for (const uint32_t item : order) {
    Bin* best = nullptr;
    for (Bin& bin : bins) {
      if (bin.room < lengths[item]) continue;
      if (best == nullptr || std::pair(bin.room, bin.since) < std::pair(best->room, best->since)) best = &bin;
    }
    if (best == nullptr) best = &bins.emplace_back(Bin{capacity, 0, {}});
    best->room -= lengths[item];
    best->since = ++now;
    best->items.push_back(item);
  }
  std::vector<std::vector<uint32_t>> result;
  for (Bin& bin : bins) result.push_back(std::move(bin.items));
  return result;
}

TEST(Packing, IsBestFitDecreasing) {
  Random random(7);
  for (const uint32_t capacity : {1u, 2u, 7u, 64u, 1000u}) {
    std::vector<uint32_t> lengths(400);
    for (uint32_t& length : lengths) length = 1 + static_cast<uint32_t>(random.next() % capacity);
    const auto order = shuffled(static_cast<uint32_t>(lengths.size()), 3, capacity);
    const Packing packing = pack_best_fit(lengths, order, capacity);
    const auto expected = textbook(lengths, order, capacity);
    ASSERT_EQ(packing.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      const auto bin = packing.bin(i);
      EXPECT_EQ(std::vector(bin.begin(), bin.end()), expected[i]) << capacity << ' ' << i;
    }
  }
}

TEST(Packing, KnownCase) {
  const std::vector<uint32_t> lengths = {4, 8, 1, 4, 2, 1};
  const Packing packing = pack_best_fit(lengths, in_order(6), 10);
  ASSERT_EQ(packing.size(), 2u);  // 8 + 2 and 4 + 4 + 1 + 1
  EXPECT_EQ(packing.bin(0)[0], 1u);
  EXPECT_EQ(packing.bin(0)[1], 4u);
  EXPECT_EQ(packing.bin(1).size(), 4u);
}

TEST(Packing, NothingGivesNoBin) {
  EXPECT_EQ(pack_best_fit({}, {}, 10).size(), 0u);
  EXPECT_EQ(pack_singly({}).size(), 0u);
}

TEST(Shuffle, IsAPermutationThatSeedAndStreamDecide) {
  const auto a = shuffled(1000, 1, 0);
  EXPECT_EQ(std::set<uint32_t>(a.begin(), a.end()).size(), 1000u);
  EXPECT_EQ(a, shuffled(1000, 1, 0));
  EXPECT_NE(a, shuffled(1000, 2, 0));
  EXPECT_NE(a, shuffled(1000, 1, 1));
  EXPECT_NE(a, in_order(1000));
}

// Each of the 24 orders of four is as likely as the others: chi-square with 23 degrees of freedom, 99.9 % at 49.7.
TEST(Shuffle, IsFair) {
  std::vector<int> count(256);
  constexpr int kTrials = 24000;
  for (int i = 0; i < kTrials; ++i) {
    const auto order = shuffled(4, 5, static_cast<uint64_t>(i));
    ++count[order[0] * 64 + order[1] * 16 + order[2] * 4 + order[3]];
  }
  double chi = 0;
  int n_orders = 0;
  for (const int n : count) {
    if (n == 0) continue;
    ++n_orders;
    chi += (n - 1000.0) * (n - 1000.0) / 1000.0;
  }
  EXPECT_EQ(n_orders, 24);
  EXPECT_LT(chi, 49.7);
}

}  // namespace
}  // namespace ondol::train
