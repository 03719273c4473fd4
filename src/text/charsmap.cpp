#include "text/charsmap.h"

#include <fmt/format.h>

namespace ondol {
namespace {

constexpr size_t kMaxBlobBytes = 64 << 20;
constexpr size_t kMaxReplacementBytes = 64;  // of real rules, the longest gives 33

// A unit of the double array: bit 31 marks a value; bit 8 says that a value hangs below; bits 0-7 are the label that
// led here; bits 10-30 are the offset to the children, shifted by another 8 if bit 9 is set.
bool has_value(uint32_t unit) {
  return ((unit >> 8) & 1) != 0;
}
uint32_t value_of(uint32_t unit) {
  return unit & 0x7FFFFFFFu;
}
uint32_t label_of(uint32_t unit) {
  return unit & 0x800000FFu;
}
uint32_t offset_of(uint32_t unit) {
  return (unit >> 10) << ((unit & (1u << 9)) >> 6);
}

}  // namespace

Result<Charsmap> Charsmap::parse(std::string_view blob) {
  Charsmap map;
  if (blob.empty()) return map;
  if (blob.size() > kMaxBlobBytes) return Error(fmt::format("character map: {} bytes are too many", blob.size()));
  const auto u32_at = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 4; i-- > 0;) value = (value << 8) | static_cast<unsigned char>(blob[at + i]);
    return value;
  };
  if (blob.size() < 4) return Error("character map: cut off in its first 4 bytes");
  const size_t trie_bytes = u32_at(0);
  if (trie_bytes == 0 || trie_bytes % 4 != 0 || trie_bytes > blob.size() - 4) {
    return Error(
        fmt::format("character map: expected a trie of at most {} bytes, got {}", blob.size() - 4, trie_bytes));
  }
  map.units_.resize(trie_bytes / 4);
  for (size_t i = 0; i < map.units_.size(); ++i) map.units_[i] = u32_at(4 + 4 * i);
  map.strings_ = blob.substr(4 + trie_bytes);
  return map;
}

Charsmap::Match Charsmap::find(std::string_view text, bool stop_at_first) const {
  Match best;
  if (units_.empty()) return best;
  size_t node = offset_of(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0) break;
    node ^= byte;
    if (node >= units_.size() || label_of(units_[node]) != byte) break;
    const uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (!has_value(unit)) continue;
    if (node >= units_.size()) break;
    const size_t at = value_of(units_[node]);
    if (at >= strings_.size()) break;
    const std::string_view rest = std::string_view(strings_).substr(at, kMaxReplacementBytes);
    best = {i + 1, rest.substr(0, rest.find('\0'))};
    if (stop_at_first) break;
  }
  return best;
}

}  // namespace ondol
