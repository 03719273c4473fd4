// The automaton of TermStore: transitions by classes of bytes, and which states lead anywhere.
#include <algorithm>
#include <unordered_set>

#include "text/grammar/terms.h"

namespace ondol::grammar {
namespace {

// A language that needs more states to show that it has a text counts as empty.
constexpr size_t kMaxLiveSearch = 20'000;

}  // namespace

int32_t TermStore::intern_partition(const std::array<uint8_t, 256>& classes) {
  // Classes are numbered in the order of their first bytes.
  Partition partition;
  std::array<int16_t, 256> renamed;
  renamed.fill(-1);
  for (size_t byte = 0; byte < 256; ++byte) {
    int16_t& name = renamed[classes[byte]];
    if (name < 0) {
      name = static_cast<int16_t>(partition.first.size());
      partition.first.push_back(static_cast<uint8_t>(byte));
    }
    partition.classes[byte] = static_cast<uint8_t>(name);
  }
  std::array<int32_t, 64> key;
  for (size_t i = 0; i < 64; ++i) {
    const uint8_t* four = &partition.classes[4 * i];
    key[i] = static_cast<int32_t>(four[0] | four[1] << 8 | four[2] << 16 | static_cast<uint32_t>(four[3]) << 24);
  }
  const int32_t id = partition_index_.intern(key) - 1;
  if (static_cast<size_t>(id) == partitions_.size()) partitions_.push_back(std::move(partition));
  return id;
}

int32_t TermStore::joint_partition(int32_t a, int32_t b) {
  if (a == b) return a;
  const Partition& left = partitions_[static_cast<size_t>(a)];
  const Partition& right = partitions_[static_cast<size_t>(b)];
  std::vector<int16_t> names(left.first.size() * right.first.size(), -1);
  std::array<uint8_t, 256> joint;
  int16_t n = 0;
  for (size_t byte = 0; byte < 256; ++byte) {
    int16_t& name = names[left.classes[byte] * right.first.size() + right.classes[byte]];
    if (name < 0) name = n++;
    joint[byte] = static_cast<uint8_t>(name);
  }
  return intern_partition(joint);
}

/// Bytes of one class have the same derivative; those of two may have too.
int32_t TermStore::partition_of(const Term& term) {
  std::array<uint8_t, 256> classes{};
  switch (term.op) {
    case Op::kNothing:
    case Op::kEmpty:
      break;
    case Op::kBytes: {
      const auto halves = sets_[term.a];
      for (size_t byte = 0; byte < 256; ++byte)
        classes[byte] = static_cast<uint32_t>(halves[byte / 32]) >> byte % 32 & 1;
      break;
    }
    case Op::kConcat: {
      const int32_t first = row(term.a).classes;
      return info(term.a).nullable ? joint_partition(first, row(term.b).classes) : first;
    }
    case Op::kEither:
    case Op::kBoth: {
      const auto view = list(term.a);
      int32_t joint = intern_partition(classes);
      for (const TermId part : std::vector<TermId>(view.begin(), view.end())) {
        joint = joint_partition(joint, row(part).classes);
      }
      return joint;
    }
    case Op::kComplement:
    case Op::kRepeat:
      return row(term.a).classes;
    case Op::kMultiple:
      for (uint8_t digit = 0; digit < 10; ++digit) classes['0' + digit] = digit + 1;
      classes['.'] = 11;
      break;
  }
  return intern_partition(classes);
}

TermStore::Row TermStore::row(TermId id) {
  if (rows_[static_cast<size_t>(id)].classes >= 0) return rows_[static_cast<size_t>(id)];
  const Term term = info(id);
  const int32_t classes = term.depth > kMaxRowDepth ? intern_partition({}) : partition_of(term);
  const Row made{classes, static_cast<int32_t>(next_.size())};
  next_.resize(next_.size() + partition(made).first.size(), kUnknown);
  rows_[static_cast<size_t>(id)] = made;
  return made;
}

TermId TermStore::derivative(TermId term, size_t byte_class) {
  const Row from = row(term);
  const size_t at = static_cast<size_t>(from.next) + byte_class;
  if (next_[at] == kUnknown) {
    const TermId computed = compute_derivative(term, partition(from).first[byte_class]);
    next_[at] = computed;
  }
  return next_[at];
}

TermId TermStore::compute_derivative(TermId id, uint8_t byte) {
  const Term term = info(id);
  if (term.depth > kMaxRowDepth) return kNothing;
  switch (term.op) {
    case Op::kNothing:
    case Op::kEmpty:
      return kNothing;
    case Op::kBytes:
      return static_cast<uint32_t>(sets_[term.a][byte / 32]) >> byte % 32 & 1 ? kEmpty : kNothing;
    case Op::kConcat: {
      const TermId first = concat(derivative_by(term.a, byte), term.b);
      return info(term.a).nullable ? either({first, derivative_by(term.b, byte)}) : first;
    }
    case Op::kEither:
    case Op::kBoth: {
      const auto view = list(term.a);
      std::vector<TermId> parts(view.begin(), view.end());
      for (TermId& part : parts) {
        part = derivative_by(part, byte);
        if (part == kNothing && term.op == Op::kBoth) return kNothing;
      }
      return term.op == Op::kBoth ? both(std::move(parts)) : either(std::move(parts));
    }
    case Op::kComplement:
      return complement(derivative_by(term.a, byte));
    case Op::kRepeat: {
      const TermId first = derivative_by(term.a, byte);
      if (first == kNothing) return kNothing;
      const int most = term.c == kUnlimited ? kUnlimited : term.c - 1;
      return concat(first, repeat(term.a, std::max(0, term.b - 1), most));
    }
    case Op::kMultiple:
      return derivative_of_multiple(term, byte);
  }
  return kNothing;
}

TermId TermStore::derivative_of_multiple(const Term& term, uint8_t byte) {
  const auto view = list(term.b);
  std::array<int32_t, 4> state;  // numerator, decimals, rest, how many decimals were read or -1
  std::copy(view.begin(), view.end(), state.begin());
  auto& [numerator, decimals, rest, place] = state;
  if (byte == '.') {
    if (place >= 0) return kNothing;
    place = 0;
  } else if (byte < '0' || byte > '9' || (place == decimals && byte != '0')) {
    return kNothing;
  } else if (place < decimals) {
    rest = static_cast<int32_t>((int64_t{rest} * 10 + (byte - '0')) % numerator);
    if (place >= 0) ++place;
  }
  return intern({.op = Op::kMultiple, .b = lists_.intern(state)});
}

TermId TermStore::next_slow(TermId term, uint8_t byte) {
  const TermId found = derivative_by(term, byte);
  return is_live(found) ? found : kNothing;
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
  std::unordered_set<TermId> seen = {start};
  const auto mark_path = [&](size_t at) {
    while (true) {
      live_[static_cast<size_t>(visits[at].term)] = kLive;
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
    const size_t n_classes = partition(row(visits[visit].term)).first.size();
    for (size_t i = 0; i < n_classes; ++i) {
      const TermId next = derivative(visits[visit].term, i);
      const uint8_t known = live_[static_cast<size_t>(next)];
      if (known == kLive) {
        mark_path(visit);
        return true;
      }
      if (next == kNothing || known == kDead || !seen.insert(next).second) continue;
      pending.push_back(visits.size());
      visits.push_back({next, visit});
    }
  }
  for (const Visit& visit : visits) live_[static_cast<size_t>(visit.term)] = kDead;
  return false;
}

}  // namespace ondol::grammar
