#include "text/grammar/code_points.h"

#include <algorithm>
#include <map>

namespace ondol::grammar {
namespace {

constexpr char32_t kLast = 0x10FFFF;

using Ranges = std::vector<CodePointSet::Range>;

/// The part of `ranges` within [first, last], counted from `first`.
Ranges cut(const Ranges& ranges, char32_t first, char32_t last) {
  Ranges out;
  for (const auto& range : ranges) {
    if (range.last < first || range.first > last) continue;
    out.push_back({std::max(range.first, first) - first, std::min(range.last, last) - first});
  }
  return out;
}

/// Numbers written with digits of a fixed number of bits, most significant first; `digit(value, level)` gives the bytes
/// that stand for a digit, level 0 being the last one.
template <typename Digit>
class DigitTree {
 public:
  DigitTree(TermStore& terms, int bits, Digit digit) : terms_(terms), bits_(bits), digit_(digit) {}

  TermId build(const Ranges& ranges, int level) {
    const int shift = level * bits_;
    std::map<TermId, ByteSet> by_rest;
    char32_t next_value = 0;
    for (const auto& range : ranges) {
      for (char32_t value = std::max<char32_t>(next_value, range.first >> shift); value <= range.last >> shift;
           ++value) {
        next_value = value + 1;
        const char32_t base = value << shift;
        const TermId rest = level == 0 ? TermStore::kEmpty : rest_of(ranges, base, shift, level);
        by_rest[rest] = by_rest[rest] | digit_(value, level);
      }
    }
    std::vector<TermId> parts;
    for (const auto& [rest, set] : by_rest) parts.push_back(terms_.concat(terms_.bytes(set), rest));
    return terms_.either(std::move(parts));
  }

 private:
  TermId rest_of(const Ranges& ranges, char32_t base, int shift, int level) {
    const Ranges inner = cut(ranges, base, base + (char32_t{1} << shift) - 1);
    const bool full = inner.size() == 1 && inner[0].first == 0 && inner[0].last == (char32_t{1} << shift) - 1;
    if (!full) return build(inner, level - 1);
    if (full_.size() <= static_cast<size_t>(level)) full_.resize(static_cast<size_t>(level) + 1, -1);
    if (full_[static_cast<size_t>(level)] < 0) {
      const TermId term = build(inner, level - 1);
      full_[static_cast<size_t>(level)] = term;
    }
    return full_[static_cast<size_t>(level)];
  }

  TermStore& terms_;
  int bits_;
  Digit digit_;
  std::vector<TermId> full_;
};

TermId utf8_of_length(TermStore& terms, const Ranges& ranges, int n_bytes) {
  constexpr int kLead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  DigitTree tree(terms, 6, [&](char32_t value, int level) {
    const int lead = level == n_bytes - 1 ? kLead[n_bytes] : 0x80;
    return ByteSet::of(static_cast<uint8_t>(static_cast<uint32_t>(lead) | value));
  });
  return tree.build(ranges, n_bytes - 1);
}

/// Four hexadecimal digits in either case.
TermId hex_term(TermStore& terms, const Ranges& ranges) {
  DigitTree tree(terms, 4, [](char32_t value, int) {
    ByteSet set;
    set.insert(static_cast<uint8_t>("0123456789abcdef"[value]));
    set.insert(static_cast<uint8_t>("0123456789ABCDEF"[value]));
    return set;
  });
  return tree.build(ranges, 3);
}

/// Characters above U+FFFF as two escapes.
TermId surrogate_pairs(TermStore& terms, const Ranges& ranges) {
  std::map<TermId, Ranges> by_low;
  for (char32_t high = 0; high < 0x400; ++high) {
    Ranges low = cut(ranges, high << 10, (high << 10) + 0x3FF);
    if (low.empty()) continue;
    for (auto& range : low) range = {range.first + 0xDC00, range.last + 0xDC00};
    Ranges& highs = by_low[hex_term(terms, low)];
    if (!highs.empty() && highs.back().last + 1 == high + 0xD800) {
      ++highs.back().last;
    } else {
      highs.push_back({high + 0xD800, high + 0xD800});
    }
  }
  std::vector<TermId> parts;
  for (const auto& [low, highs] : by_low) {
    const TermId pieces[] = {hex_term(terms, highs), terms.literal("\\u"), low};
    parts.push_back(terms.concat(pieces));
  }
  return terms.either(std::move(parts));
}

}  // namespace

CodePointSet::CodePointSet(std::initializer_list<Range> ranges) {
  for (const Range& range : ranges) add(range.first, range.last);
}

const CodePointSet& CodePointSet::all() {
  static const CodePointSet set = {{0, kLast}};
  return set;
}

void CodePointSet::add(char32_t first, char32_t last) {
  last = std::min(last, kLast);
  if (first > last) return;
  if (first < 0xD800 && last > 0xDFFF) {
    add(first, 0xD7FF);
    return add(0xE000, last);
  }
  if (first >= 0xD800 && first <= 0xDFFF) first = 0xE000;
  if (last >= 0xD800 && last <= 0xDFFF) last = 0xD7FF;
  if (first > last) return;
  const auto begin =
      std::partition_point(ranges_.begin(), ranges_.end(), [&](const Range& r) { return r.last + 1 < first; });
  auto end = begin;
  while (end != ranges_.end() && end->first <= last + 1) {
    first = std::min(first, end->first);
    last = std::max(last, end->last);
    ++end;
  }
  ranges_.insert(ranges_.erase(begin, end), {first, last});
}

void CodePointSet::add(const CodePointSet& other) {
  for (const Range& range : other.ranges_) add(range.first, range.last);
}

CodePointSet CodePointSet::complement() const {
  CodePointSet out;
  char32_t next = 0;
  for (const Range& range : ranges_) {
    if (range.first > next) out.add(next, range.first - 1);
    next = range.last + 1;
  }
  out.add(next, kLast);
  return out;
}

CodePointSet CodePointSet::intersection(const CodePointSet& other) const {
  CodePointSet out;
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    const char32_t first = std::max(a->first, b->first);
    const char32_t last = std::min(a->last, b->last);
    if (first <= last) out.add(first, last);
    a->last < b->last ? ++a : ++b;
  }
  return out;
}

bool CodePointSet::contains(char32_t code) const {
  const auto at = std::partition_point(ranges_.begin(), ranges_.end(), [&](const Range& r) { return r.last < code; });
  return at != ranges_.end() && at->first <= code;
}

TermId utf8_term(TermStore& terms, const CodePointSet& set) {
  constexpr CodePointSet::Range kByLength[] = {{0, 0}, {0, 0x7F}, {0x80, 0x7FF}, {0x800, 0xFFFF}, {0x10000, kLast}};
  std::vector<TermId> parts;
  for (int n_bytes = 1; n_bytes <= 4; ++n_bytes) {
    Ranges ranges;
    for (const auto& range : set.ranges()) {
      const char32_t first = std::max(range.first, kByLength[n_bytes].first);
      const char32_t last = std::min(range.last, kByLength[n_bytes].last);
      if (first <= last) ranges.push_back({first, last});
    }
    if (ranges.empty()) continue;
    if (n_bytes > 1) {
      parts.push_back(utf8_of_length(terms, ranges, n_bytes));
      continue;
    }
    ByteSet bytes;
    for (const auto& range : ranges) {
      bytes = bytes | ByteSet::range(static_cast<int>(range.first), static_cast<int>(range.last));
    }
    parts.push_back(terms.bytes(bytes));
  }
  return terms.either(std::move(parts));
}

TermId json_character_term(TermStore& terms, const CodePointSet& set, JsonEscapes escapes) {
  static const CodePointSet never_raw = {{0, 0x1F}, {'"', '"'}, {'\\', '\\'}};
  static const CodePointSet usually_escaped = {{0, 0x1F}, {'&', '\''}, {'<', '<'}, {'>', '>'}, {0x7F, kLast}};
  constexpr std::pair<char32_t, char> kShort[] = {{'"', '"'},  {'\\', '\\'}, {'/', '/'},  {'\b', 'b'},
                                                  {'\f', 'f'}, {'\n', 'n'},  {'\r', 'r'}, {'\t', 't'}};
  ByteSet short_escapes;
  for (const auto& [code, letter] : kShort) {
    if (set.contains(code)) short_escapes.insert(static_cast<uint8_t>(letter));
  }
  const CodePointSet escaped = escapes == JsonEscapes::kAll ? set : set.intersection(usually_escaped);
  const TermId basic = hex_term(terms, cut(escaped.ranges(), 0, 0xFFFF));
  const TermId pairs = surrogate_pairs(terms, cut(escaped.ranges(), 0x10000, kLast));
  const TermId behind_u = terms.either({basic, pairs});
  const TermId behind = terms.either({terms.bytes(short_escapes), terms.concat(terms.literal("u"), behind_u)});
  return terms.either({utf8_term(terms, set.minus(never_raw)), terms.concat(terms.literal("\\"), behind)});
}

}  // namespace ondol::grammar
