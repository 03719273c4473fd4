// Loops of TermStore: where whole classes of bytes lead from a state to itself, counts aside.
#include <algorithm>

#include "text/grammar/terms.h"

namespace ondol::grammar {

/// The term without the bounds of a repetition, or of those in an intersection.
TermId TermStore::unbounded(TermId part, int& most) {
  const Term term = info(part);
  if (term.op == Op::kRepeat) {
    if (term.c != kUnlimited) most = most < 0 ? term.c : std::min(most, term.c);
    return repeat(term.a, 0, kUnlimited);
  }
  // An intersection that may end after every round is never empty on the way.
  if (term.op != Op::kBoth || !term.nullable) return part;
  const auto view = list(term.a);
  std::vector<TermId> parts(view.begin(), view.end());
  for (TermId& inner : parts) {
    if (info(inner).op == Op::kRepeat) inner = unbounded(inner, most);
  }
  return both(std::move(parts));
}

TermStore::Loop TermStore::loop_of(TermId term) {
  Loop loop{.most = -1, .may_end = is_nullable(term)};
  const Term whole = info(term);
  const Term first = whole.op == Op::kConcat ? info(whole.a) : whole;
  const TermId state =
      whole.op == Op::kConcat ? concat(unbounded(whole.a, loop.most), whole.b) : unbounded(term, loop.most);
  if (is_nullable(state) != loop.may_end) return {};
  loop.unbounded = state;
  loop.only_unbounded = first.op == Op::kRepeat && first.b == 0 && !whole.boolean;
  const auto known = looping_.find(state);
  if (known != looping_.end()) {
    loop.classes = known->second;
  } else {
    const bool is_wide = next(state, 'e') == state;
    loop.classes = looping_[state] = is_wide ? looping_classes(state) : 0;
  }
  return loop;
}

ByteClasses TermStore::looping_classes(TermId term) {
  ByteClasses classes = ~ByteClasses{0};
  for (uint8_t byte = 0; byte < 0x80; ++byte) {
    if (next(term, byte) != term) classes &= ~class_of(byte);
  }
  bool characters = true;
  for (int byte = 0xC2; byte <= 0xF4 && characters; ++byte) {
    const Utf8Lead lead = utf8_lead(static_cast<uint8_t>(byte));
    const TermId begun = next(term, static_cast<uint8_t>(byte));
    characters = loops_over_characters(begun, term, lead.n_missing, lead.first, lead.last);
  }
  classes &= ~kOddBytes;
  return characters ? classes : classes & ~kMultiByteCharacters;
}

/// Whether all the bytes that can be missing lead to `loop`.
bool TermStore::loops_over_characters(TermId state, TermId loop, int n_missing, int first, int last) {
  TermId before = -1;
  for (int byte = first; byte <= last; ++byte) {
    const TermId after = next(state, static_cast<uint8_t>(byte));
    if (n_missing == 1 ? after != loop : after == kNothing) return false;
    // Neighbours mostly lead to the same state.
    if (n_missing > 1 && after != before && !loops_over_characters(after, loop, n_missing - 1, 0x80, 0xBF))
      return false;
    before = after;
  }
  return true;
}

}  // namespace ondol::grammar
