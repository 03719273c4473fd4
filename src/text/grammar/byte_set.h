// ByteSet: a set of byte values, four words of bits.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace ondol::grammar {

struct ByteSet {
  std::array<uint64_t, 4> words{};

  static ByteSet of(uint8_t byte) {
    ByteSet set;
    set.insert(byte);
    return set;
  }
  static ByteSet range(int first, int last) {
    ByteSet set;
    for (int byte = first; byte <= last; ++byte) set.insert(static_cast<uint8_t>(byte));
    return set;
  }

  void insert(uint8_t byte) { words[byte >> 6] |= uint64_t{1} << (byte & 63); }
  bool contains(uint8_t byte) const { return (words[byte >> 6] >> (byte & 63)) & 1; }
  bool empty() const { return (words[0] | words[1] | words[2] | words[3]) == 0; }
  int size() const {
    int n = 0;
    for (const uint64_t word : words) n += std::popcount(word);
    return n;
  }

  friend ByteSet operator|(ByteSet a, const ByteSet& b) {
    for (size_t i = 0; i < 4; ++i) a.words[i] |= b.words[i];
    return a;
  }
  friend ByteSet operator&(ByteSet a, const ByteSet& b) {
    for (size_t i = 0; i < 4; ++i) a.words[i] &= b.words[i];
    return a;
  }
  friend bool operator==(const ByteSet&, const ByteSet&) = default;
};

}  // namespace ondol::grammar
