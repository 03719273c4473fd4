// Postings: for a term, the chunks that have it and how often, as bytes.
//
// Pairs of variable-length integers (seven bits a byte, the lowest first): the distance from the chunk before, and the
// count. Chunks ascend. Bytes come from a file that others may have written to, so reading stops at what cannot be.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace ondol {

struct Posting {
  int64_t chunk = 0;
  uint32_t count = 0;
};

class PostingWriter {
 public:
  /// Chunks ascend.
  void add(Posting posting);
  int64_t n() const { return n_; }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  int64_t last_ = 0;
  int64_t n_ = 0;
};

class PostingReader {
 public:
  explicit PostingReader(std::span<const uint8_t> bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  /// False at the end, and where the bytes are no postings.
  bool next(Posting& posting) {
    uint64_t distance = 0, count = 0;
    if (!number(distance) || !number(count) || distance > kMost || count > UINT32_MAX) return false;
    last_ += static_cast<int64_t>(distance);
    posting = {last_, static_cast<uint32_t>(count)};
    return last_ <= static_cast<int64_t>(kMost);
  }

 private:
  static constexpr uint64_t kMost = uint64_t{1} << 40;
  bool number(uint64_t& value) {
    for (int shift = 0; at_ != end_ && shift < 63; shift += 7) {
      const uint8_t byte = *at_++;
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  const uint8_t* at_;
  const uint8_t* end_;
  int64_t last_ = 0;
};

}  // namespace ondol
