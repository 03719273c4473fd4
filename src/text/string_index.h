// StringIndex: from texts to ids, for vocabularies of some hundred thousand entries. Open addressing over ids; the
// texts stay where they are and must outlive the index.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace ondol {

class StringIndex {
 public:
  /// Room for `expected` entries without rehashing.
  explicit StringIndex(size_t expected = 0) { rehash(expected * 2); }

  /// Keeps the first id when a text comes twice; says whether this one was kept.
  bool insert(std::string_view text, TokenId id) {
    if ((n_used_ + 1) * 2 > slots_.size()) rehash(slots_.size() * 2);
    Slot& slot = slots_[find_slot(text, hash(text))];
    if (slot.id != kNoToken) return false;
    slot = {text.data(), static_cast<uint32_t>(text.size()), static_cast<uint32_t>(hash(text)), id};
    ++n_used_;
    return true;
  }

  TokenId find(std::string_view text) const { return slots_[find_slot(text, hash(text))].id; }

 private:
  struct Slot {
    const char* text = nullptr;
    uint32_t size = 0;
    uint32_t tag = 0;  // the low half of the hash: spares most comparisons
    TokenId id = kNoToken;
  };

  static uint64_t hash(std::string_view text) {
    uint64_t value = 0x9E3779B97F4A7C15u ^ text.size();
    for (const char byte : text) value = (value ^ static_cast<unsigned char>(byte)) * 0x100000001B3u;
    value ^= value >> 32;
    value *= 0xD6E8FEB86659FD93u;
    return value ^ (value >> 29);
  }

  size_t find_slot(std::string_view text, uint64_t h) const {
    const size_t mask = slots_.size() - 1;
    for (size_t at = (h >> 20) & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.id == kNoToken) return at;
      if (slot.tag == static_cast<uint32_t>(h) && std::string_view(slot.text, slot.size) == text) return at;
    }
  }

  void rehash(size_t wanted) {
    size_t size = 16;
    while (size < wanted) size *= 2;
    std::vector<Slot> old(size);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.id == kNoToken) continue;
      const std::string_view text(slot.text, slot.size);
      slots_[find_slot(text, hash(text))] = slot;
    }
  }

  std::vector<Slot> slots_;
  size_t n_used_ = 0;
};

}  // namespace ondol
