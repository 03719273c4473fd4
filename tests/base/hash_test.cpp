#include "base/hash.h"

#include <set>

#include <gtest/gtest.h>

#include "base/random.h"

namespace ondol {
namespace {

std::vector<uint8_t> bytes_of(size_t n) {
  Random random(n);
  std::vector<uint8_t> bytes(n);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next());
  return bytes;
}

TEST(Hash, EveryBitOfEveryLengthCounts) {
  for (const size_t n : {1, 7, 8, 31, 32, 33, 100}) {
    std::vector<uint8_t> bytes = bytes_of(n);
    std::set<Hash128> seen = {hash_bytes(bytes)};
    for (size_t bit = 0; bit < n * 8; ++bit) {
      bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      EXPECT_TRUE(seen.insert(hash_bytes(bytes)).second) << n << ", bit " << bit;
      bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    }
    EXPECT_EQ(hash_bytes(bytes), *seen.find(hash_bytes(bytes)));
  }
}

TEST(Hash, LengthOrderAndSeedCount) {
  const std::vector<uint8_t> zeros(100, 0);
  std::set<Hash128> seen;
  for (size_t n = 0; n <= zeros.size(); ++n) EXPECT_TRUE(seen.insert(hash_bytes(std::span(zeros).first(n))).second);
  for (uint64_t seed = 1; seed < 50; ++seed) {
    EXPECT_TRUE(seen.insert(hash_bytes({}, {seed, 0})).second);
    EXPECT_TRUE(seen.insert(hash_bytes({}, {0, seed})).second);
  }
  std::vector<uint8_t> words = bytes_of(64);
  const Hash128 before = hash_bytes(words);
  std::swap_ranges(words.begin(), words.begin() + 8, words.begin() + 32);
  EXPECT_NE(hash_bytes(words), before);
}

/// Half of the bits of both halves change with any bit of the input.
TEST(Hash, Avalanches) {
  std::vector<uint8_t> bytes = bytes_of(48);
  const Hash128 before = hash_bytes(bytes);
  double n_low = 0;
  double n_high = 0;
  for (size_t bit = 0; bit < 48 * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    const Hash128 after = hash_bytes(bytes);
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    n_low += __builtin_popcountll(before.low ^ after.low);
    n_high += __builtin_popcountll(before.high ^ after.high);
  }
  EXPECT_NEAR(n_low / (48 * 8), 32, 1.5);
  EXPECT_NEAR(n_high / (48 * 8), 32, 1.5);
}

TEST(Hash, WritesItselfAsHexadecimal) {
  EXPECT_EQ((Hash128{0x0123456789abcdef, 0xf}).hex(), "000000000000000f0123456789abcdef");
}

}  // namespace
}  // namespace ondol
