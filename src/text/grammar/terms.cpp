#include "text/grammar/terms.h"

#include <algorithm>
#include <random>

namespace ondol::grammar {
namespace {

// A loop over more than this many first bytes counts as wide.
constexpr int kWideBytes = 64;
constexpr int kWideRepeats = 16;

// Hashes name terms in caches that texts of different users share, so nobody may be able to choose them.
uint64_t hash_seed() {
  static const uint64_t seed = (uint64_t{std::random_device{}()} << 32) | std::random_device{}();
  return seed;
}

uint64_t hash_step(uint64_t h, uint64_t value) {
  return mix_bits((h ^ value) * 0x9e3779b97f4a7c15ull + 1);
}

}  // namespace

TermStore::TermStore() {
  intern({.op = Op::kNothing});
  intern({.op = Op::kEmpty});
  intern({.op = Op::kComplement, .a = kNothing});
}

size_t TermStore::size_bytes() const {
  return terms_.size() * (sizeof(Term) + sizeof(Row) + 1) + partitions_.size() * 600 + next_.size() * 4 +
         term_index_.size_bytes() + sets_.size_bytes() + lists_.size_bytes();
}

TermId TermStore::intern(Term term) {
  const int32_t key[] = {static_cast<int32_t>(term.op), term.a, term.b, term.c};
  if (terms_.size() >= kMaxTerms) {
    overflowed_ = true;
    return kNothing;
  }
  // The interner's id 0 is the empty sequence.
  const TermId id = term_index_.intern(key) - 1;
  if (static_cast<size_t>(id) < terms_.size()) return id;
  describe(term);
  term.hash = hash_of(term);
  terms_.push_back(term);
  rows_.push_back({});
  live_.push_back(term.nullable || (!term.boolean && id != kNothing) ? kLive : kNotSearched);
  if (term.depth > kMaxRowDepth) overflowed_ = true;
  return id;
}

/// Fills what follows from the parts.
void TermStore::describe(Term& term) const {
  switch (term.op) {
    case Op::kNothing:
      break;
    case Op::kEmpty:
      term.nullable = true;
      break;
    case Op::kBytes: {
      int n = 0;
      for (const int32_t half : sets_[term.a]) n += std::popcount(static_cast<uint32_t>(half));
      term.breadth = static_cast<int16_t>(n);
      break;
    }
    case Op::kConcat: {
      const Term& a = info(term.a);
      const Term& b = info(term.b);
      term.nullable = a.nullable && b.nullable;
      term.boolean = a.boolean || b.boolean;
      term.wide_loop = a.wide_loop || b.wide_loop;
      term.breadth = a.nullable ? std::max(a.breadth, b.breadth) : a.breadth;
      term.depth = 1 + (a.nullable ? std::max(a.depth, b.depth) : a.depth);
      break;
    }
    case Op::kEither:
    case Op::kBoth:
      term.nullable = term.op == Op::kBoth;
      term.boolean = term.op == Op::kBoth;
      for (const TermId id : list(term.a)) {
        const Term& part = info(id);
        term.nullable = term.op == Op::kBoth ? term.nullable && part.nullable : term.nullable || part.nullable;
        term.boolean = term.boolean || part.boolean;
        term.wide_loop = term.wide_loop || part.wide_loop;
        term.breadth = static_cast<int16_t>(std::min(256, term.breadth + part.breadth));
        term.depth = std::max(term.depth, 1 + part.depth);
      }
      break;
    case Op::kComplement:
      term.nullable = !info(term.a).nullable;
      term.boolean = term.a != kNothing;
      term.wide_loop = true;
      term.breadth = 256;
      term.depth = 1 + info(term.a).depth;
      break;
    case Op::kRepeat: {
      const Term& part = info(term.a);
      term.nullable = term.b == 0 || part.nullable;
      term.boolean = part.boolean;
      term.wide_loop = part.wide_loop || (part.breadth > kWideBytes && (term.c == kUnlimited || term.c > kWideRepeats));
      term.breadth = part.breadth;
      term.depth = 1 + part.depth;
      break;
    }
    case Op::kMultiple: {
      const auto state = list(term.b);
      const int64_t numerator = state[0];
      int64_t rest = state[2];
      for (int32_t i = std::max(state[3], 0); i < state[1]; ++i) rest = rest * 10 % numerator;
      term.nullable = rest == 0;
      term.boolean = true;
      term.breadth = 11;
      break;
    }
  }
}

TermHash TermStore::hash_of(const Term& term) const {
  uint64_t low = hash_step(hash_seed(), static_cast<uint64_t>(term.op));
  uint64_t high = hash_step(~hash_seed(), static_cast<uint64_t>(term.op));
  const auto add = [&](uint64_t a, uint64_t b) {
    low = hash_step(low, a);
    high = hash_step(high, b);
  };
  const auto add_number = [&](int32_t number) { add(static_cast<uint32_t>(number), static_cast<uint32_t>(number)); };
  switch (term.op) {
    case Op::kNothing:
    case Op::kEmpty:
      break;
    case Op::kBytes:
      for (const int32_t half : sets_[term.a]) add_number(half);
      break;
    case Op::kConcat:
      add(info(term.a).hash.low, info(term.a).hash.high);
      add(info(term.b).hash.low, info(term.b).hash.high);
      break;
    case Op::kEither:
    case Op::kBoth: {
      uint64_t sum_low = 0;  // the order of parts differs between stores
      uint64_t sum_high = 0;
      for (const TermId part : list(term.a)) {
        sum_low += hash_step(1, info(part).hash.low);
        sum_high += hash_step(2, info(part).hash.high);
      }
      add(sum_low, sum_high);
      break;
    }
    case Op::kComplement:
    case Op::kRepeat:
      add(info(term.a).hash.low, info(term.a).hash.high);
      add_number(term.b);
      add_number(term.c);
      break;
    case Op::kMultiple:
      for (const int32_t number : list(term.b)) add_number(number);
      break;
  }
  return {low, high};
}

TermId TermStore::bytes(const ByteSet& set) {
  if (set.empty()) return kNothing;
  std::array<int32_t, 8> halves;
  for (size_t i = 0; i < 4; ++i) {
    halves[2 * i] = static_cast<int32_t>(set.words[i]);
    halves[2 * i + 1] = static_cast<int32_t>(set.words[i] >> 32);
  }
  return intern({.op = Op::kBytes, .a = sets_.intern(halves)});
}

TermId TermStore::literal(std::string_view text) {
  TermId term = kEmpty;
  for (size_t i = text.size(); i-- > 0;) term = concat(bytes(ByteSet::of(static_cast<uint8_t>(text[i]))), term);
  return term;
}

TermId TermStore::concat(TermId first, TermId second) {
  if (first == kNothing || second == kNothing) return kNothing;
  if (first == kEmpty) return second;
  if (second == kEmpty) return first;
  // Sequences lean to the right, so that equal ones are the same term.
  std::vector<TermId> spine;
  while (info(first).op == Op::kConcat) {
    spine.push_back(info(first).a);
    first = info(first).b;
  }
  TermId term = intern({.op = Op::kConcat, .a = first, .b = second});
  for (size_t i = spine.size(); i-- > 0;) term = intern({.op = Op::kConcat, .a = spine[i], .b = term});
  return term;
}

TermId TermStore::concat(std::span<const TermId> parts) {
  TermId term = kEmpty;
  for (size_t i = parts.size(); i-- > 0;) term = concat(parts[i], term);
  return term;
}

TermId TermStore::make_list(Op op, std::vector<TermId>& parts) {
  std::sort(parts.begin(), parts.end());
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  if (parts.size() == 1) return parts[0];
  return intern({.op = op, .a = lists_.intern(parts)});
}

TermId TermStore::either(std::vector<TermId> parts) {
  std::vector<TermId> flat;
  ByteSet set;
  bool has_empty = false;
  bool nullable = false;
  const auto add = [&](TermId part) {
    const Term& term = info(part);
    if (term.op == Op::kBytes) {
      const auto halves = sets_[term.a];
      for (size_t i = 0; i < 4; ++i) {
        set.words[i] |= static_cast<uint32_t>(halves[2 * i]) | uint64_t{static_cast<uint32_t>(halves[2 * i + 1])} << 32;
      }
    } else if (part == kEmpty) {
      has_empty = true;
    } else if (part != kNothing) {
      nullable = nullable || term.nullable;
      flat.push_back(part);
    }
  };
  for (const TermId part : parts) {
    if (part == kAnything) return kAnything;
    if (info(part).op == Op::kEither) {
      for (const TermId inner : list(info(part).a)) add(inner);
    } else {
      add(part);
    }
  }
  if (!set.empty()) flat.push_back(bytes(set));
  if (has_empty && !nullable) flat.push_back(kEmpty);
  return flat.empty() ? kNothing : make_list(Op::kEither, flat);
}

TermId TermStore::both(std::vector<TermId> parts) {
  std::vector<TermId> flat;
  bool has_empty = false;
  for (const TermId part : parts) {
    if (part == kNothing) return kNothing;
    if (part == kAnything) continue;
    has_empty = has_empty || part == kEmpty;
    if (info(part).op == Op::kBoth) {
      const auto inner = list(info(part).a);
      flat.insert(flat.end(), inner.begin(), inner.end());
    } else {
      flat.push_back(part);
    }
  }
  if (flat.empty()) return kAnything;
  if (has_empty) {
    const bool all = std::all_of(flat.begin(), flat.end(), [&](TermId part) { return info(part).nullable; });
    return all ? kEmpty : kNothing;
  }
  for (const TermId part : flat) {
    if (info(part).op != Op::kComplement) continue;
    if (std::find(flat.begin(), flat.end(), info(part).a) != flat.end()) return kNothing;
  }
  return make_list(Op::kBoth, flat);
}

TermId TermStore::complement(TermId part) {
  if (info(part).op == Op::kComplement) return info(part).a;
  return intern({.op = Op::kComplement, .a = part});
}

TermId TermStore::repeat(TermId part, int least, int most) {
  if (most == 0 || part == kEmpty) return kEmpty;
  if (part == kNothing) return least == 0 ? kEmpty : kNothing;
  if (info(part).nullable) least = 0;
  if (least == 1 && most == 1) return part;
  const Term& term = info(part);
  if (term.op == Op::kRepeat && term.b == 0 && term.c == kUnlimited) return part;
  if (part == kAnything) return part;
  return intern({.op = Op::kRepeat, .a = part, .b = least, .c = most});
}

TermId TermStore::multiple_of(int numerator, int decimals) {
  const int32_t state[] = {numerator, decimals, 0, -1};
  return intern({.op = Op::kMultiple, .b = lists_.intern(state)});
}

TermId TermStore::without_large_counts(TermId term, int n_bytes) {
  if (info(term).boolean) return term;
  std::vector<TermId> spine;
  bool changed = false;
  TermId rest = term;
  while (true) {
    const bool is_concat = info(rest).op == Op::kConcat;
    TermId part = is_concat ? info(rest).a : rest;
    const Term& repeated = info(part);
    if (repeated.op == Op::kRepeat) {
      const int least = std::min(repeated.b, n_bytes + 1);
      const int most = repeated.c > n_bytes ? kUnlimited : repeated.c;
      if (least != repeated.b || most != repeated.c) {
        part = repeat(repeated.a, least, most);
        changed = true;
      }
    }
    spine.push_back(part);
    if (!is_concat) break;
    rest = info(rest).b;
  }
  return changed ? concat(spine) : term;
}

bool TermStore::is_live(TermId term) {
  const uint8_t known = live_[static_cast<size_t>(term)];
  if (known != kNotSearched) return known == kLive;
  return term != kNothing && search_live(term);
}

bool TermStore::continues(TermId term) {
  if (!info(term).boolean) return term != kNothing && term != kEmpty;
  for (const uint8_t byte : std::vector<uint8_t>(partition(row(term)).first)) {
    if (next(term, byte) != kNothing) return true;
  }
  return false;
}

bool TermImport::ready(TermId term, std::vector<TermId>& missing) const {
  using Op = TermStore::Op;
  const size_t before = missing.size();
  const auto need = [&](TermId part) {
    if (known_[static_cast<size_t>(part)] < 0) missing.push_back(part);
  };
  const TermStore::Term& t = from_.info(term);
  if (t.op == Op::kConcat || t.op == Op::kComplement || t.op == Op::kRepeat) need(t.a);
  if (t.op == Op::kConcat) need(t.b);
  if (t.op == Op::kEither || t.op == Op::kBoth) {
    for (const TermId part : from_.list(t.a)) need(part);
  }
  return missing.size() == before;
}

TermId TermImport::make(TermId term) {
  using Op = TermStore::Op;
  const TermStore::Term& t = from_.info(term);
  switch (t.op) {
    case Op::kNothing:
      return TermStore::kNothing;
    case Op::kEmpty:
      return TermStore::kEmpty;
    case Op::kBytes: {
      const auto halves = from_.sets_[t.a];
      return to_.intern({.op = Op::kBytes, .a = to_.sets_.intern(halves)});
    }
    case Op::kConcat:
      return to_.concat(known(t.a), known(t.b));
    case Op::kEither:
    case Op::kBoth: {
      std::vector<TermId> parts;
      for (const TermId part : from_.list(t.a)) parts.push_back(known(part));
      return t.op == Op::kEither ? to_.either(std::move(parts)) : to_.both(std::move(parts));
    }
    case Op::kComplement:
      return to_.complement(known(t.a));
    case Op::kRepeat:
      return to_.repeat(known(t.a), t.b, t.c);
    case Op::kMultiple:
      return to_.intern({.op = Op::kMultiple, .b = to_.lists_.intern(from_.list(t.b))});
  }
  return TermStore::kNothing;
}

TermId TermImport::operator()(TermId term) {
  std::vector<TermId> pending = {term};
  while (!pending.empty()) {
    const TermId top = pending.back();
    if (known(top) < 0) {
      if (!ready(top, pending)) continue;
      known(top) = make(top);
    }
    pending.pop_back();
  }
  return known(term);
}

}  // namespace ondol::grammar
