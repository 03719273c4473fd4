#include "text/grammar/schema_shape.h"

#include <algorithm>

#include "text/unicode.h"

namespace ondol::grammar {
namespace {

int tighter_most(int a, int b) {
  if (a < 0) return b;
  return b < 0 ? a : std::min(a, b);
}

ObjectShape intersection(const ObjectShape& a, const ObjectShape& b) {
  ObjectShape out = a;
  for (const ObjectLayer& layer : b.layers) {
    if (std::find(out.layers.begin(), out.layers.end(), layer) == out.layers.end()) out.layers.push_back(layer);
  }
  out.required.insert(b.required.begin(), b.required.end());
  for (const auto& [name, needs] : b.dependent) out.dependent[name].insert(needs.begin(), needs.end());
  out.keys.insert(out.keys.end(), b.keys.begin(), b.keys.end());
  std::sort(out.keys.begin(), out.keys.end());
  out.keys.erase(std::unique(out.keys.begin(), out.keys.end()), out.keys.end());
  out.least = std::max(a.least, b.least);
  out.least_by = a.least >= b.least ? a.least_by : b.least_by;
  out.most = tighter_most(a.most, b.most);
  return out;
}

ArrayShape intersection(const ArrayShape& a, const ArrayShape& b) {
  ArrayShape out = a;
  for (const ArrayLayer& layer : b.layers) {
    if (std::find(out.layers.begin(), out.layers.end(), layer) == out.layers.end()) out.layers.push_back(layer);
  }
  for (const ContainsDemand& contains : b.contains) {
    if (std::find(out.contains.begin(), out.contains.end(), contains) == out.contains.end()) {
      out.contains.push_back(contains);
    }
  }
  out.least = std::max(a.least, b.least);
  out.most = tighter_most(a.most, b.most);
  out.unique_by = a.unique_by != nullptr ? a.unique_by : b.unique_by;
  return out;
}

bool is_bounded_out(int least, int most) {
  return most >= 0 && least > most;
}

}  // namespace

ShapeAlgebra::ShapeAlgebra(TermStore& store) : terms(store), numbers(store) {
  character_ = [this](const CodePointSet& set) { return json_character_term(terms, set, JsonEscapes::kUsual); };
  any_character_ = character_(CodePointSet::all());
  all_strings_ = terms.repeat(any_character_, 0, TermStore::kUnlimited);
}

Shape ShapeAlgebra::everything() const {
  Shape shape;
  shape.null = shape.no = shape.yes = true;
  shape.numbers = numbers.all();
  shape.exponents = Exponents::kAll;
  shape.strings = all_strings_;
  shape.objects.emplace_back();
  shape.arrays.emplace_back();
  return shape;
}

/// Sorts alternatives, drops equal and impossible ones, and all others beside one that allows everything.
template <typename T>
void ShapeAlgebra::simplify(std::vector<T>& alternatives) {
  std::erase_if(alternatives, [](const T& shape) { return is_bounded_out(shape.least, shape.most); });
  std::sort(alternatives.begin(), alternatives.end());
  alternatives.erase(std::unique(alternatives.begin(), alternatives.end()), alternatives.end());
  const bool has_all = std::find(alternatives.begin(), alternatives.end(), T()) != alternatives.end();
  if (has_all && !keeps_alternatives) alternatives = {T()};
  if (alternatives.size() > kMaxAlternatives) {
    overflowed_ = true;
    alternatives.resize(kMaxAlternatives);
  }
}

Shape ShapeAlgebra::intersection(const Shape& a, const Shape& b) {
  Shape out;
  out.null = a.null && b.null;
  out.no = a.no && b.no;
  out.yes = a.yes && b.yes;
  // Both are within the universe, which therefore changes nothing.
  out.numbers = a.numbers == numbers.all()   ? b.numbers
                : b.numbers == numbers.all() ? a.numbers
                                             : terms.both({a.numbers, b.numbers});
  out.exponents = std::min(a.exponents, b.exponents);
  out.strings = a.strings == all_strings_   ? b.strings
                : b.strings == all_strings_ ? a.strings
                                            : terms.both({a.strings, b.strings});
  for (const ObjectShape& left : a.objects) {
    for (const ObjectShape& right : b.objects) out.objects.push_back(grammar::intersection(left, right));
  }
  for (const ArrayShape& left : a.arrays) {
    for (const ArrayShape& right : b.arrays) out.arrays.push_back(grammar::intersection(left, right));
  }
  simplify(out.objects);
  simplify(out.arrays);
  return out;
}

Shape ShapeAlgebra::united(const Shape& a, const Shape& b) {
  Shape out = a;
  out.null = a.null || b.null;
  out.no = a.no || b.no;
  out.yes = a.yes || b.yes;
  const bool all_numbers = a.numbers == numbers.all() || b.numbers == numbers.all();
  out.numbers = all_numbers ? numbers.all() : terms.either({a.numbers, b.numbers});
  out.exponents = std::max(a.exponents, b.exponents);
  const bool all_strings = a.strings == all_strings_ || b.strings == all_strings_;
  out.strings = all_strings ? all_strings_ : terms.either({a.strings, b.strings});
  out.objects.insert(out.objects.end(), b.objects.begin(), b.objects.end());
  out.arrays.insert(out.arrays.end(), b.arrays.begin(), b.arrays.end());
  simplify(out.objects);
  simplify(out.arrays);
  return out;
}

bool ShapeAlgebra::can_complement(const Shape& shape) const {
  const bool objects = shape.objects.empty() || shape.objects == std::vector{ObjectShape()};
  return objects && (shape.arrays.empty() || shape.arrays == std::vector{ArrayShape()});
}

Shape ShapeAlgebra::complement(const Shape& shape) {
  Shape out;
  out.null = !shape.null;
  out.no = !shape.no;
  out.yes = !shape.yes;
  out.numbers = shape.numbers == numbers.all()         ? TermStore::kNothing
                : shape.numbers == TermStore::kNothing ? numbers.all()
                                                       : numbers.complement(shape.numbers);
  const bool no_numbers = shape.numbers == TermStore::kNothing && shape.exponents == Exponents::kNone;
  out.exponents = no_numbers ? Exponents::kAll : Exponents::kNone;
  out.strings = shape.strings == all_strings_          ? TermStore::kNothing
                : shape.strings == TermStore::kNothing ? all_strings_
                                                       : string_complement(shape.strings);
  if (shape.objects.empty()) out.objects.emplace_back();
  if (shape.arrays.empty()) out.arrays.emplace_back();
  return out;
}

TermId ShapeAlgebra::text_of(std::string_view string) {
  std::vector<TermId> characters;
  for (size_t at = 0; at < string.size();) {
    const DecodedCharacter decoded = decode_utf8(string, at);
    if (!decoded.valid) return TermStore::kNothing;
    characters.push_back(character_({{decoded.code, decoded.code}}));
    at += decoded.size;
  }
  return terms.concat(characters);
}

}  // namespace ondol::grammar
