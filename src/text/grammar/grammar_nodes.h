// Grammar: what GrammarBuilder made, as nodes over terms. A parser with a stack walks it (matcher.h).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "text/grammar/grammar.h"
#include "text/grammar/terms.h"
#include "text/tokenizer.h"

namespace ondol::grammar {

using NodeId = int32_t;

/// A list in brackets or braces: what may come in it, how often and in which order. What was seen so far is a sequence
/// of numbers, the state.
struct Container {
  enum class Kind {
    kSet,   // members that come once each, in any order, and others (objects; arrays of unique values)
    kList,  // a member for every position (arrays)
  };

  struct Member {
    TermId key = TermStore::kEmpty;  // with the colon behind it
    NodeId value = 0;
    bool once = true;         // kSet
    bool productive = false;  // some text matches it, and what it calls for can come too
  };

  /// kList: at least `least` and at most `most` values match; `most` < 0: without limit.
  struct Count {
    int least = 0;
    int most = -1;
  };

  Kind kind = Kind::kList;
  TermId open = TermStore::kEmpty;
  TermId comma = TermStore::kEmpty;
  TermId close = TermStore::kEmpty;
  int least = 0;
  int most = -1;

  // kSet: members that come once are first. kList: for every position of the prefix and then for all others, one member
  // for each subset of `counts` that it adds to (bit by bit).
  std::vector<Member> members;

  // kSet
  bool ordered = false;
  std::vector<int> required;
  std::vector<std::pair<int, std::vector<int>>> dependent;  // a member, and those that must come with it

  // kList
  int n_prefix = 0;
  std::vector<Count> counts;

  using State = std::vector<int32_t>;

  State initial() const;
  bool can_close(std::span<const int32_t> state) const;
  /// Whether member `index` may come next; `after` is then the state behind it.
  bool can_add(std::span<const int32_t> state, size_t index, State& after) const;

  /// Members that call for one that cannot come cannot come either. Whether the container can be completed at all.
  bool settle();

 private:
  size_t n_words() const { return (n_once_ + 31) / 32; }
  bool set_can_add(std::span<const int32_t> state, size_t index, State& after) const;
  bool list_can_add(std::span<const int32_t> state, size_t index, State& after) const;
  bool settle_set();
  bool settle_list();
  bool can_finish(const State& state) const;

  size_t n_once_ = 0;
  std::vector<int32_t> required_bits_;
  std::vector<std::vector<int32_t>> needed_bits_;  // by member: what it calls for, in the end
  std::vector<std::pair<State, bool>> finish_;     // sorted by state; kList with counts
};

struct Node {
  enum class Kind : uint8_t {
    kLexeme,    // term
    kSpecial,   // the token whose text is `text`, or its characters where the vocabulary has none
    kToken,     // the token with id `least`
    kNotToken,  // any token but that with id `least` or text `text`
    kSequence,  // parts
    kChoice,    // parts
    kRepeat,    // parts[0], least to most times
    kForward,   // parts[0], if defined
    kContainer
  };

  Kind kind = Kind::kLexeme;
  bool sealed = false;    // not to be joined with what is around it
  bool nullable = false;  // filled by build()
  int32_t order = 0;      // below that of nodes that it can begin with; filled by build()
  TermId term = TermStore::kNothing;
  int32_t least = 0;
  int32_t most = 0;
  int32_t container = 0;
  std::vector<NodeId> parts = {};
  std::string text = {};
};

}  // namespace ondol::grammar

namespace ondol {

class Grammar {
 public:
  grammar::TermStore terms;
  std::vector<grammar::Node> nodes;
  std::vector<grammar::Container> containers;
  grammar::NodeId root = 0;
};

}  // namespace ondol
