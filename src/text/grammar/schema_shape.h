// Shape: the set of JSON values that a schema allows, type by type, in a form that can be intersected and united.
//
// Numbers and strings are terms, closed under everything. Objects and arrays are lists of alternatives; each is a list
// of layers, one for every schema that has a say about the members. What a member must be is a Demand: schemas that are
// looked into only when the member's own grammar is made, so that recursive schemas end.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "text/grammar/regex_terms.h"
#include "text/grammar/schema_numbers.h"

namespace ondol::grammar {

/// Schemas that must hold (true) or must not.
using Demand = std::set<std::pair<const json::value*, bool>>;

inline void unite(Demand& to, const Demand& more) {
  to.insert(more.begin(), more.end());
}

struct PatternDemand {
  TermId keys = TermStore::kNothing;
  Demand demand;
  friend auto operator<=>(const PatternDemand&, const PatternDemand&) = default;
};

/// What one schema says about the members of an object.
struct ObjectLayer {
  std::map<std::string, Demand> properties;
  std::vector<PatternDemand> patterns;
  std::optional<Demand> additional;
  std::vector<std::string> order;  // the properties as the schema lists them
  bool names_members = false;      // the schema lists properties or patterns for them, perhaps none
  bool evaluates = true;           // the members it names are evaluated, in unevaluatedProperties' sense
  friend auto operator<=>(const ObjectLayer&, const ObjectLayer&) = default;
};

struct ObjectShape {
  std::vector<ObjectLayer> layers;
  std::set<std::string> required;
  std::map<std::string, std::set<std::string>> dependent;
  std::vector<TermId> keys;  // all keys are in each of these languages
  int least = 0;
  int most = -1;
  const json::value* least_by = nullptr;  // the schema that asks for several properties, to name it when refusing
  friend auto operator<=>(const ObjectShape&, const ObjectShape&) = default;
};

struct ArrayLayer {
  std::vector<Demand> prefix;
  std::optional<Demand> rest;
  bool evaluates = true;
  friend auto operator<=>(const ArrayLayer&, const ArrayLayer&) = default;
};

/// At least `least` and at most `most` elements from `first` on meet the demand.
struct ContainsDemand {
  Demand demand;
  int first = 0;
  int least = 1;
  int most = -1;
  friend auto operator<=>(const ContainsDemand&, const ContainsDemand&) = default;
};

struct ArrayShape {
  std::vector<ArrayLayer> layers;
  std::vector<ContainsDemand> contains;
  int least = 0;
  int most = -1;
  const json::value* unique_by = nullptr;  // the schema that asks for different elements
  friend auto operator<=>(const ArrayShape&, const ArrayShape&) = default;
};

/// Which numbers are allowed to be written with an exponent. What is meant by a bounded set has no exponents.
enum class Exponents { kNone, kWhole, kAll };

struct Shape {
  bool null = false;
  bool no = false;
  bool yes = false;
  TermId numbers = TermStore::kNothing;
  Exponents exponents = Exponents::kNone;
  TermId strings = TermStore::kNothing;
  std::vector<ObjectShape> objects;
  std::vector<ArrayShape> arrays;
};

/// The terms that shapes are made of.
class ShapeAlgebra {
 public:
  explicit ShapeAlgebra(TermStore& terms);

  static constexpr size_t kMaxAlternatives = 64;

  Shape everything() const;
  Shape intersection(const Shape& a, const Shape& b);
  Shape united(const Shape& a, const Shape& b);

  /// Only for shapes in which objects are all or none, and arrays too.
  bool can_complement(const Shape& shape) const;
  Shape complement(const Shape& shape);

  TermId text_of(std::string_view string);  // as it stands inside a JSON string
  TermId any_character() const { return any_character_; }
  TermId all_strings() const { return all_strings_; }
  TermId string_complement(TermId strings) { return terms.both({all_strings_, terms.complement(strings)}); }
  const CharacterTerm& character() const { return character_; }

  /// A limit was reached, and shapes are not what they should be.
  bool overflowed() const { return overflowed_ || terms.overflowed(); }

  TermStore& terms;
  NumberTerms numbers;
  /// Alternatives that others make needless are kept, because they may evaluate other members.
  bool keeps_alternatives = false;

 private:
  template <typename T>
  void simplify(std::vector<T>& alternatives);

  CharacterTerm character_;
  TermId any_character_;
  TermId all_strings_;
  bool overflowed_ = false;
};

}  // namespace ondol::grammar
