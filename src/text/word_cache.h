// WordCache: the tokens of short words that were seen lately. A fixed number of slots; a new word takes the place of
// whatever its slot held. Not thread-safe: each encode call uses its own.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace ondol {

class WordCache {
 public:
  static constexpr size_t kMaxWordBytes = 31;
  static constexpr size_t kMaxTokens = 7;

  struct alignas(64) Slot {
    std::array<uint64_t, 4> key{};  // the word, zero-padded; its length in the last byte. 0 = free
    int32_t n_tokens = 0;
    std::array<TokenId, kMaxTokens> tokens{};
  };

  WordCache() : slots_(kSlots) {}

  /// The slot where `word` (1 to kMaxWordBytes) is or belongs; `found` says which.
  Slot& look_up(std::string_view word, bool& found) {
    std::array<uint64_t, 4> key{};
    std::memcpy(key.data(), word.data(), word.size());
    key[3] |= uint64_t{word.size()} << 56;
    uint64_t hash = (key[0] ^ (key[2] * 0x9E3779B97F4A7C15u)) * 0xD6E8FEB86659FD93u;
    hash ^= (key[1] ^ (key[3] * 0xC2B2AE3D27D4EB4Fu)) * 0xA0761D6478BD642Fu;
    hash ^= hash >> 32;
    hash *= 0x9E3779B97F4A7C15u;
    Slot& slot = slots_[(hash >> 40) & (kSlots - 1)];
    found = slot.key == key;
    if (!found) slot = {key, 0, {}};
    return slot;
  }

 private:
  static constexpr size_t kSlots = size_t{1} << 14;
  std::vector<Slot> slots_;
};

}  // namespace ondol
