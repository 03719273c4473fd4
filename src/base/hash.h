// Hash128: a fast hash for content addresses and against damage. Not against forgery: who relies on equality compares
// what was hashed.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>

namespace ondol {

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;
  auto operator<=>(const Hash128&) const = default;

  /// 32 digits.
  std::string hex() const;
};

/// The same on every machine for the same bytes. A change of up to eight neighbouring bytes always changes the result.
Hash128 hash_bytes(std::span<const uint8_t> bytes, Hash128 seed = {});

}  // namespace ondol
