// What is known of an unfinished download: which bytes are there, and of which version of the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ondol {

/// A set of bytes as ranges [begin, end), sorted and apart.
class RangeSet {
 public:
  using Range = std::pair<uint64_t, uint64_t>;

  void add(uint64_t begin, uint64_t end);
  const std::vector<Range>& ranges() const { return ranges_; }
  uint64_t n_bytes() const;

  /// What is missing of [0, size), in pieces of at most `piece` bytes.
  std::vector<Range> missing(uint64_t size, uint64_t piece) const;

 private:
  std::vector<Range> ranges_;
};

struct DownloadState {
  uint64_t size = 0;
  std::string identity;  // of this version of the file: its checksum or ETag
  RangeSet done;
};

std::string serialize(const DownloadState& state);

/// Refuses anything odd: then the download begins anew.
Result<DownloadState> parse_download_state(std::string_view text);

}  // namespace ondol
