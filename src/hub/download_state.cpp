#include "hub/download_state.h"

#include <algorithm>

#include "base/json.h"

namespace ondol {
namespace {

constexpr uint64_t kMaxSize = uint64_t{1} << 50;
constexpr size_t kMaxRanges = 1 << 20;

}  // namespace

void RangeSet::add(uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  // The first range that ends at or behind `begin` is the first that can touch the new one.
  auto first = std::lower_bound(ranges_.begin(), ranges_.end(), begin,
                                [](const Range& range, uint64_t at) { return range.second < at; });
  auto last = first;
  while (last != ranges_.end() && last->first <= end) {
    begin = std::min(begin, last->first);
    end = std::max(end, last->second);
    ++last;
  }
  first = ranges_.erase(first, last);
  ranges_.insert(first, {begin, end});
}

uint64_t RangeSet::n_bytes() const {
  uint64_t n = 0;
  for (const auto& [begin, end] : ranges_) n += end - begin;
  return n;
}

std::vector<RangeSet::Range> RangeSet::missing(uint64_t size, uint64_t piece) const {
  std::vector<Range> result;
  uint64_t at = 0;
  const auto cover = [&](uint64_t to) {
    for (; at < to; at = std::min(to, at + piece)) result.emplace_back(at, std::min(to, at + piece));
  };
  for (const auto& [begin, end] : ranges_) {
    cover(std::min(begin, size));
    at = std::max(at, end);
  }
  cover(size);
  return result;
}

std::string serialize(const DownloadState& state) {
  json::array ranges;
  for (const auto& [begin, end] : state.done.ranges()) ranges.push_back(json::array{begin, end});
  return json::serialize(
      json::object{{"version", 1}, {"size", state.size}, {"identity", state.identity}, {"done", std::move(ranges)}});
}

Result<DownloadState> parse_download_state(std::string_view text) {
  const Error bad("not the state of a download");
  const json::value document = ONDOL_TRY(parse_json(text));
  const json::value* ranges = find_member(document, "done");
  const int64_t size = int_or(document, "size", -1);
  if (int_or(document, "version", 0) != 1 || size < 0 || static_cast<uint64_t>(size) > kMaxSize) return bad;
  if (ranges == nullptr || !ranges->is_array() || ranges->get_array().size() > kMaxRanges) return bad;
  DownloadState state{static_cast<uint64_t>(size), string_or(document, "identity", ""), {}};
  uint64_t last = 0;
  for (const json::value& range : ranges->get_array()) {
    if (!range.is_array() || range.get_array().size() != 2) return bad;
    const json::value& begin = range.get_array()[0];
    const json::value& end = range.get_array()[1];
    if (!begin.is_int64() || !end.is_int64() || begin.get_int64() < 0 || end.get_int64() <= begin.get_int64())
      return bad;
    const auto from = static_cast<uint64_t>(begin.get_int64());
    const auto to = static_cast<uint64_t>(end.get_int64());
    if (from < last || to > state.size) return bad;
    state.done.add(from, to);
    last = to;
  }
  return state;
}

}  // namespace ondol
