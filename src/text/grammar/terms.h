// TermStore: regular languages over bytes as terms, and the automaton whose states they are.
//
// Equal terms have equal ids. A term's derivative by a byte (Brzozowski 1964) is the language of what may follow that
// byte; it is a term again, so a term is also a state of a deterministic automaton that is made as it is walked. Union,
// intersection, complement and counted repetition cost nothing up front. Constructors simplify, so that the states that
// mean "the rest of any string" are one state wherever they come from.
//
// Refuses to grow above a limit: constructors then return kNothing and overflowed() tells.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/grammar/byte_classes.h"
#include "text/grammar/byte_set.h"
#include "text/grammar/interner.h"

namespace ondol::grammar {

using TermId = int32_t;

/// Names a term by its structure, the same in every store of this process.
struct TermHash {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const TermHash&, const TermHash&) = default;
};

class TermStore {
 public:
  static constexpr TermId kNothing = 0;   // no text at all
  static constexpr TermId kEmpty = 1;     // the empty text
  static constexpr TermId kAnything = 2;  // every sequence of bytes
  static constexpr int kUnlimited = -1;
  static constexpr size_t kMaxTerms = 1'000'000;

  TermStore();

  TermId bytes(const ByteSet& set);
  TermId literal(std::string_view text);
  TermId concat(TermId first, TermId second);
  TermId concat(std::span<const TermId> parts);
  TermId either(std::vector<TermId> parts);
  TermId both(std::vector<TermId> parts);
  TermId complement(TermId part);
  TermId repeat(TermId part, int least, int most);
  TermId optional(TermId part) { return repeat(part, 0, 1); }

  /// Digits, perhaps with a fraction, whose value is a multiple of numerator / 10^decimals. Digits behind those are 0.
  /// Whether the digits are well placed is for another term to say. 0 < numerator < 2^31, decimals < 10.
  TermId multiple_of(int numerator, int decimals);

  /// Whether the language is empty, has the empty text, has other texts.
  bool is_live(TermId term);
  bool is_nullable(TermId term) const { return info(term).nullable; }
  bool continues(TermId term);

  /// What may follow `byte`; kNothing if no text of the language begins with it.
  TermId next(TermId term, uint8_t byte) {
    const Row row = rows_[static_cast<size_t>(term)];
    if (row.classes < 0) return next_slow(term, byte);
    const TermId found =
        next_[static_cast<size_t>(row.next) + partitions_[static_cast<size_t>(row.classes)].classes[byte]];
    return found >= 0 && live_[static_cast<size_t>(found)] == kLive ? found : next_slow(term, byte);
  }

  /// The same as far as texts of up to `n_bytes` bytes can tell, with fewer different counts. Not for terms with
  /// intersections or complements, which stay as they are.
  TermId without_large_counts(TermId term, int n_bytes);

  /// Texts of up to `most` bytes (< 0: of any length) of these classes lie wholly inside a loop with which the term
  /// begins; `may_end`: and it may end behind every one of their characters. Mostly there are no such classes.
  struct Loop {
    ByteClasses classes = 0;
    int most = 0;
    bool may_end = false;
    TermId unbounded = kNothing;  // the term without the bound
    bool only_unbounded = false;  // which any text of up to `most` bytes cannot tell from the term
  };
  Loop loop_of(TermId term);

  /// How deep the computation of transitions goes; above kMaxRowDepth a term counts as empty.
  int row_depth(TermId term) const { return info(term).depth; }
  static constexpr int kMaxRowDepth = 1000;

  /// A loop over many different bytes: nearly every token can follow while in it.
  bool has_wide_loop(TermId term) const { return info(term).wide_loop; }
  TermHash hash(TermId term) const { return info(term).hash; }

  bool overflowed() const { return overflowed_; }
  size_t size() const { return terms_.size(); }
  size_t size_bytes() const;

 private:
  enum class Op : uint8_t { kNothing, kEmpty, kBytes, kConcat, kEither, kBoth, kComplement, kRepeat, kMultiple };

  struct Term {
    TermHash hash = {};
    Op op = Op::kNothing;
    bool nullable = false;
    bool boolean = false;    // has an intersection, a complement or a multiple inside: may be empty without showing it
    bool wide_loop = false;  // see has_wide_loop
    int16_t breadth = 0;     // about how many bytes a text can begin with
    int32_t depth = 1;       // of the recursion that computes its row
    int32_t a = 0;           // kBytes: set; kConcat, kComplement, kRepeat: part; kEither, kBoth: id in lists_
    int32_t b = 0;           // kConcat: second; kRepeat: least; kMultiple: id in lists_
    int32_t c = 0;           // kRepeat: most
  };

  // Transitions: bytes in classes that all lead to the same term, and that term by class; kUnknown until it is asked
  // for. It may be one of an empty language.
  struct Row {
    int32_t classes = -1;  // in partitions_
    int32_t next = 0;      // in next_
  };
  struct Partition {
    std::array<uint8_t, 256> classes{};
    std::vector<uint8_t> first;  // byte of a class
  };
  static constexpr TermId kUnknown = -1;
  enum : uint8_t { kNotSearched, kLive, kDead };

  const Term& info(TermId term) const { return terms_[static_cast<size_t>(term)]; }
  TermId intern(Term term);
  void describe(Term& term) const;
  TermHash hash_of(const Term& term) const;
  TermId make_list(Op op, std::vector<TermId>& parts);

  TermId next_slow(TermId term, uint8_t byte);
  Row row(TermId term);
  int32_t partition_of(const Term& term);
  int32_t joint_partition(int32_t a, int32_t b);
  int32_t intern_partition(const std::array<uint8_t, 256>& classes);
  const Partition& partition(const Row& row) const { return partitions_[static_cast<size_t>(row.classes)]; }
  /// By the bytes of a class.
  TermId derivative(TermId term, size_t byte_class);
  TermId derivative_by(TermId term, uint8_t byte) { return derivative(term, partition(row(term)).classes[byte]); }
  TermId compute_derivative(TermId term, uint8_t byte);
  TermId derivative_of_multiple(const Term& term, uint8_t byte);
  bool search_live(TermId term);
  TermId unbounded(TermId part, int& most);
  ByteClasses looping_classes(TermId term);
  bool loops_over_characters(TermId state, TermId loop, int n_missing, int first, int last);
  friend class TermImport;
  std::span<const int32_t> list(int32_t id) const { return lists_[id]; }

  std::vector<Term> terms_;
  Interner term_index_;  // (op, a, b, c) to term
  Interner sets_;        // eight halves of words
  Interner lists_;
  std::vector<Row> rows_;
  std::vector<uint8_t> live_;
  std::unordered_map<TermId, ByteClasses> looping_;
  std::vector<Partition> partitions_;
  Interner partition_index_;
  std::vector<TermId> next_;
  bool overflowed_ = false;
};

/// Brings terms of one store into another.
class TermImport {
 public:
  TermImport(const TermStore& from, TermStore& to) : from_(from), to_(to), known_(from.size(), -1) {}
  TermId operator()(TermId term);

 private:
  bool ready(TermId term, std::vector<TermId>& missing) const;
  TermId make(TermId term);
  TermId& known(TermId term) { return known_[static_cast<size_t>(term)]; }

  const TermStore& from_;
  TermStore& to_;
  std::vector<TermId> known_;
};

}  // namespace ondol::grammar
