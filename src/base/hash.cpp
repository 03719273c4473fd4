#include "base/hash.h"

#include <array>
#include <bit>
#include <cstring>

#include <fmt/format.h>

namespace ondol {
namespace {

constexpr uint64_t kOdd1 = 0x9e3779b97f4a7c15ull;  // the golden ratio
constexpr uint64_t kOdd2 = 0xc2b2ae3d27d4eb4full;  // 2^64 times the fractional part of a cube root, made odd
constexpr size_t kLanes = 4;
constexpr size_t kStripeBytes = kLanes * sizeof(uint64_t);
using Lanes = std::array<uint64_t, kLanes>;

uint64_t word_at(const uint8_t* bytes) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

/// One to one in each lane and in each word, so that a changed word changes its lane for good.
void take_stripe(Lanes& lanes, const uint8_t* stripe) {
  for (size_t i = 0; i < kLanes; ++i) {
    const uint64_t product = (lanes[i] ^ word_at(stripe + i * sizeof(uint64_t))) * kOdd1;
    lanes[i] = std::rotl(product ^ (product >> 32), 29) + kOdd2;
  }
}

uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 31)) * kOdd2;
  x = (x ^ (x >> 29)) * kOdd1;
  return x ^ (x >> 32);
}

}  // namespace

std::string Hash128::hex() const {
  return fmt::format("{:016x}{:016x}", high, low);
}

Hash128 hash_bytes(std::span<const uint8_t> bytes, Hash128 seed) {
  Lanes lanes = {seed.low, mix(seed.high) ^ kOdd1, mix(seed.low) + kOdd2, seed.high};
  size_t done = 0;
  for (; done + kStripeBytes <= bytes.size(); done += kStripeBytes) take_stripe(lanes, bytes.data() + done);
  std::array<uint8_t, kStripeBytes> last{};
  if (done < bytes.size()) std::memcpy(last.data(), bytes.data() + done, bytes.size() - done);
  take_stripe(lanes, last.data());
  Hash128 hash = {bytes.size(), ~uint64_t{bytes.size()}};
  for (size_t i = 0; i < kLanes; ++i) {
    hash.low = mix(hash.low ^ lanes[i]);
    hash.high = mix(hash.high + std::rotl(lanes[kLanes - 1 - i], 32)) ^ kOdd1;
  }
  return hash;
}

}  // namespace ondol
