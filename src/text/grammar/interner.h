// Interner: gives equal sequences of numbers equal ids, in order of first appearance.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ondol::grammar {

/// Mixes the bits of a number (the finaliser of MurmurHash3).
inline uint64_t mix_bits(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdull;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ull;
  return x ^ (x >> 33);
}

class Interner {
 public:
  Interner() : ends_{0}, slots_(64, -1) { (void)intern({}); }

  /// The id of `values`; that of the empty sequence is 0. `values` must not point into this object.
  int32_t intern(std::span<const int32_t> values) {
    size_t at = hash(values) & (slots_.size() - 1);
    while (slots_[at] >= 0) {
      const auto found = (*this)[slots_[at]];
      if (found.size() == values.size() && std::equal(found.begin(), found.end(), values.begin())) return slots_[at];
      at = (at + 1) & (slots_.size() - 1);
    }
    const auto id = static_cast<int32_t>(size());
    values_.insert(values_.end(), values.begin(), values.end());
    ends_.push_back(values_.size());
    slots_[at] = id;
    if (size() * 2 > slots_.size()) grow();
    return id;
  }

  /// Valid until the next intern().
  std::span<const int32_t> operator[](int32_t id) const {
    const auto index = static_cast<size_t>(id);
    return std::span(values_).subspan(ends_[index], ends_[index + 1] - ends_[index]);
  }

  size_t size() const { return ends_.size() - 1; }
  size_t size_bytes() const { return values_.size() * 4 + ends_.size() * 8 + slots_.size() * 4; }

 private:
  static uint64_t hash(std::span<const int32_t> values) {
    uint64_t h = values.size();
    for (const int32_t value : values) h = mix_bits(h * 0x9e3779b97f4a7c15ull + static_cast<uint32_t>(value));
    return h;
  }

  void grow() {
    slots_.assign(slots_.size() * 2, -1);
    for (size_t id = 0; id < size(); ++id) {
      size_t at = hash((*this)[static_cast<int32_t>(id)]) & (slots_.size() - 1);
      while (slots_[at] >= 0) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = static_cast<int32_t>(id);
    }
  }

  std::vector<int32_t> values_;
  std::vector<size_t> ends_;
  std::vector<int32_t> slots_;
};

/// From (id, byte) to id; kUnknown where nothing was stored.
class StepMemo {
 public:
  static constexpr int32_t kUnknown = -1;

  int32_t find(int32_t id, uint8_t byte) const { return slots_[slot_of(key_of(id, byte))].value; }

  void insert(int32_t id, uint8_t byte, int32_t value) {
    if (++n_used_ * 2 > slots_.size()) grow();
    const uint64_t key = key_of(id, byte);
    slots_[slot_of(key)] = {key, value};
  }

  size_t size_bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    uint64_t key = ~uint64_t{0};
    int32_t value = kUnknown;
  };

  static uint64_t key_of(int32_t id, uint8_t byte) { return uint64_t{static_cast<uint32_t>(id)} << 8 | byte; }

  size_t slot_of(uint64_t key) const {
    size_t at = ((key * 0x9e3779b97f4a7c15ull) >> 20) & (slots_.size() - 1);
    while (slots_[at].key != key && slots_[at].key != ~uint64_t{0}) at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.key != ~uint64_t{0}) slots_[slot_of(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_ = std::vector<Slot>(256);
  size_t n_used_ = 0;
};

}  // namespace ondol::grammar
