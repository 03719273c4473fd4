// The automaton of TermStore: rows of transitions by classes of bytes, and which states lead anywhere.
#include <algorithm>
#include <unordered_map>

#include "text/grammar/terms.h"

namespace ondol::grammar {
namespace {

// A language that needs more states to show that it has a text counts as empty.
constexpr size_t kMaxLiveSearch = 20'000;

}  // namespace

TermStore::Row TermStore::store_row(const ClassMap& classes, const std::vector<TermId>& next) {
  // Classes that lead to the same term become one, numbered in the order of their bytes.
  std::vector<TermId> distinct;
  std::array<int16_t, 256> renamed;
  renamed.fill(-1);
  ClassMap map;
  for (size_t byte = 0; byte < 256; ++byte) {
    int16_t& name = renamed[classes[byte]];
    if (name < 0) {
      const TermId target = next[classes[byte]];
      const auto found = std::find(distinct.begin(), distinct.end(), target);
      name = static_cast<int16_t>(found - distinct.begin());
      if (found == distinct.end()) distinct.push_back(target);
    }
    map[byte] = static_cast<uint8_t>(name);
  }
  std::array<int32_t, 64> key;
  for (size_t i = 0; i < 64; ++i) {
    key[i] = static_cast<int32_t>(map[4 * i] | map[4 * i + 1] << 8 | map[4 * i + 2] << 16 |
                                  static_cast<uint32_t>(map[4 * i + 3]) << 24);
  }
  const int32_t classes_id = class_index_.intern(key) - 1;
  if (static_cast<size_t>(classes_id) == class_maps_.size()) {
    class_maps_.push_back(map);
    class_counts_.push_back(static_cast<int>(distinct.size()));
  }
  const Row row{classes_id, static_cast<int32_t>(next_.size())};
  next_.insert(next_.end(), distinct.begin(), distinct.end());
  return row;
}

template <typename Map>
TermStore::Row TermStore::mapped(const Row& from, Map&& map) {
  const ClassMap classes = class_maps_[static_cast<size_t>(from.classes)];
  std::vector<TermId> next;
  for (int i = 0; i < n_classes(from); ++i) next.push_back(map(next_[static_cast<size_t>(from.next + i)]));
  return store_row(classes, next);
}

/// Bytes that all rows treat alike become a class; `combine` makes its term from the rows' terms.
template <typename Combine>
TermStore::Row TermStore::combined(std::span<const Row> rows, Combine&& combine) {
  Partition joint;
  std::vector<int16_t> renamed;
  for (size_t i = 0; i < rows.size(); ++i) {
    bool seen = false;
    for (size_t j = 0; j < i && !seen; ++j) seen = rows[j].classes == rows[i].classes;
    if (seen) continue;
    const ClassMap& other = class_maps_[static_cast<size_t>(rows[i].classes)];
    const auto n_other = static_cast<size_t>(n_classes(rows[i]));
    renamed.assign(static_cast<size_t>(joint.n) * n_other, -1);
    int n = 0;
    for (size_t byte = 0; byte < 256; ++byte) {
      int16_t& name = renamed[joint.classes[byte] * n_other + other[byte]];
      if (name < 0) name = static_cast<int16_t>(n++);
      joint.classes[byte] = static_cast<uint8_t>(name);
    }
    joint.n = n;
  }
  std::vector<TermId> next(static_cast<size_t>(joint.n), -1);
  for (int byte = 0; byte < 256; ++byte) {
    TermId& target = next[joint.classes[static_cast<size_t>(byte)]];
    if (target >= 0) continue;
    std::vector<TermId> parts;
    for (const Row& row : rows) parts.push_back(at(row, static_cast<uint8_t>(byte)));
    target = combine(std::move(parts));
  }
  return store_row(joint.classes, next);
}

TermStore::Row TermStore::row(TermId term) {
  if (rows_[static_cast<size_t>(term)].classes < 0) {
    const Row computed = compute_row(term);
    rows_[static_cast<size_t>(term)] = computed;
  }
  return rows_[static_cast<size_t>(term)];
}

TermStore::Row TermStore::compute_row(TermId id) {
  const Term term = info(id);
  if (term.depth > kMaxRowDepth) return store_row({}, {kNothing});
  switch (term.op) {
    case Op::kNothing:
    case Op::kEmpty:
      break;
    case Op::kBytes: {
      const auto halves = sets_[term.a];
      ByteSet set;
      for (size_t i = 0; i < 4; ++i) {
        set.words[i] = static_cast<uint32_t>(halves[2 * i]) | uint64_t{static_cast<uint32_t>(halves[2 * i + 1])} << 32;
      }
      return row_of_bytes(set);
    }
    case Op::kConcat:
      return row_of_concat(term);
    case Op::kEither:
    case Op::kBoth:
      return row_of_list(term);
    case Op::kComplement:
      return mapped(row(term.a), [&](TermId next) { return complement(next); });
    case Op::kRepeat:
      return row_of_repeat(term);
    case Op::kMultiple:
      return row_of_multiple(term);
  }
  return store_row({}, {kNothing});
}

TermStore::Row TermStore::row_of_bytes(const ByteSet& set) {
  ClassMap classes{};
  for (int byte = 0; byte < 256; ++byte) {
    classes[static_cast<size_t>(byte)] = set.contains(static_cast<uint8_t>(byte)) ? 1 : 0;
  }
  return store_row(classes, {kNothing, kEmpty});
}

TermStore::Row TermStore::row_of_concat(const Term& term) {
  const Row first = row(term.a);
  if (!info(term.a).nullable) return mapped(first, [&](TermId next) { return concat(next, term.b); });
  const Row second = row(term.b);
  const Row rows[] = {first, second};
  return combined(rows, [&](std::vector<TermId> next) { return either({concat(next[0], term.b), next[1]}); });
}

TermStore::Row TermStore::row_of_list(const Term& term) {
  const auto view = list(term.a);
  const std::vector<TermId> parts(view.begin(), view.end());
  std::vector<Row> rows;
  for (const TermId part : parts) rows.push_back(row(part));
  const bool is_both = term.op == Op::kBoth;
  return combined(rows,
                  [&](std::vector<TermId> next) { return is_both ? both(std::move(next)) : either(std::move(next)); });
}

TermStore::Row TermStore::row_of_repeat(const Term& term) {
  const int most = term.c == kUnlimited ? kUnlimited : term.c - 1;
  const TermId rest = repeat(term.a, std::max(0, term.b - 1), most);
  return mapped(row(term.a), [&](TermId next) { return concat(next, rest); });
}

TermStore::Row TermStore::row_of_multiple(const Term& term) {
  const auto view = list(term.b);
  const int32_t numerator = view[0];
  const int32_t decimals = view[1];
  const int32_t rest = view[2];
  const int32_t place = view[3];
  ClassMap classes{};
  std::vector<TermId> next = {kNothing};
  const auto add = [&](char byte, int64_t new_rest, int32_t new_place) {
    const int32_t state[] = {numerator, decimals, static_cast<int32_t>(new_rest), new_place};
    classes[static_cast<uint8_t>(byte)] = static_cast<uint8_t>(next.size());
    next.push_back(intern({.op = Op::kMultiple, .b = lists_.intern(state)}));
  };
  for (int digit = 0; digit < 10; ++digit) {
    const auto byte = static_cast<char>('0' + digit);
    if (place == decimals) {
      if (digit == 0) add(byte, rest, place);
    } else {
      add(byte, (int64_t{rest} * 10 + digit) % numerator, place < 0 ? place : place + 1);
    }
  }
  if (place < 0) add('.', rest, 0);
  return store_row(classes, next);
}

TermId TermStore::next_slow(TermId term, uint8_t byte) {
  compute_live_row(term);
  return at(live_rows_[static_cast<size_t>(term)], byte);
}

void TermStore::compute_live_row(TermId term) {
  Row computed = row(term);
  if (info(term).boolean) {
    computed = mapped(computed, [&](TermId next) { return is_live(next) ? next : kNothing; });
  }
  live_rows_[static_cast<size_t>(term)] = computed;
}

/// Looks for a text of the language, depth first. What lies on the way to it is live; if there is none, everything that
/// was seen is not.
bool TermStore::search_live(TermId start) {
  struct Visit {
    TermId term;
    size_t parent;
  };
  std::vector<Visit> visits = {{start, 0}};
  std::vector<size_t> pending = {0};
  std::unordered_map<TermId, bool> seen = {{start, true}};
  const auto mark_path = [&](size_t at) {
    while (true) {
      live_[static_cast<size_t>(visits[at].term)] = 1;
      if (at == 0) return;
      at = visits[at].parent;
    }
  };
  while (!pending.empty()) {
    const size_t visit = pending.back();
    pending.pop_back();
    if (visits.size() > kMaxLiveSearch) {
      overflowed_ = true;
      return false;
    }
    const Row from = row(visits[visit].term);
    for (int i = 0; i < n_classes(from); ++i) {
      const TermId next = next_[static_cast<size_t>(from.next + i)];
      if (next == kNothing || live_[static_cast<size_t>(next)] == 2) continue;
      if (info(next).nullable || !info(next).boolean || live_[static_cast<size_t>(next)] == 1) {
        mark_path(visit);
        return true;
      }
      if (!seen.emplace(next, true).second) continue;
      pending.push_back(visits.size());
      visits.push_back({next, visit});
    }
  }
  for (const Visit& visit : visits) live_[static_cast<size_t>(visit.term)] = 2;
  return false;
}

}  // namespace ondol::grammar
