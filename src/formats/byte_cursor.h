// ByteCursor: reads little-endian values from bytes that nobody vouches for. Never reads past the end.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "base/result.h"

namespace ondol {

static_assert(std::endian::native == std::endian::little, "files are mapped, and they are little endian");

class ByteCursor {
 public:
  explicit ByteCursor(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  size_t offset() const { return offset_; }
  size_t remaining() const { return bytes_.size() - offset_; }

  /// The next value; `what` names it in the error.
  template <typename T>
  Result<T> read(std::string_view what) {
    if (remaining() < sizeof(T)) return cut(what, sizeof(T));
    T value;
    std::memcpy(&value, bytes_.data() + offset_, sizeof(T));
    offset_ += sizeof(T);
    return value;
  }

  /// The next `size_bytes` bytes, which stay where they are.
  Result<std::span<const uint8_t>> take(uint64_t size_bytes, std::string_view what) {
    if (size_bytes > remaining()) return cut(what, size_bytes);
    const auto part = bytes_.subspan(offset_, static_cast<size_t>(size_bytes));
    offset_ += part.size();
    return part;
  }

  /// A count of things that take at least `min_bytes` each; refused when they cannot all be there, so that memory may
  /// be reserved for them.
  template <typename T>
  Result<size_t> read_count(std::string_view what, size_t min_bytes) {
    const size_t at = offset_;
    const T count = ONDOL_TRY(read<T>(what));
    const bool negative = static_cast<int64_t>(count) < 0;
    if (negative || static_cast<uint64_t>(count) > remaining() / min_bytes) {
      return Error(
          fmt::format("byte {}: {}: {} cannot fit into the {} bytes that follow; the file is cut or damaged: "
                      "download it again",
                      at, what, count, remaining()));
    }
    return static_cast<size_t>(count);
  }

 private:
  Error cut(std::string_view what, uint64_t needed) const {
    return Error(fmt::format("byte {}: {}: expected {} bytes, got {}; the file is cut or damaged: download it again",
                             offset_, what, needed, remaining()));
  }

  std::span<const uint8_t> bytes_;
  size_t offset_ = 0;
};

}  // namespace ondol
