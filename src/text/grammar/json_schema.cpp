#include "text/grammar/json_schema.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/grammar/schema_expander.h"

namespace ondol::grammar {
namespace {

constexpr size_t kMaxDemands = 5000;
constexpr size_t kMaxNames = 2000;
constexpr size_t kMaxPatterns = 6;
constexpr size_t kMaxContains = 3;
constexpr int kMaxCounted = 200;
constexpr size_t kMaxUnique = 500;

/// Makes a part of the grammar for every demand that is met on the way from the root.
class SchemaCompiler {
 public:
  SchemaCompiler(GrammarBuilder::State& builder, SchemaDocument& document, const JsonSchemaOptions& options)
      : builder_(builder),
        terms_(builder.terms),
        algebra_(builder.terms),
        options_(options),
        expander_(document, algebra_, options_) {
    const TermId indent = terms_.bytes(ByteSet::of(' ') | ByteSet::of('\t'));
    const TermId line[] = {terms_.optional(terms_.literal("\r")), terms_.literal("\n"), terms_.repeat(indent, 0, 64)};
    const TermId blank = terms_.either({TermStore::kEmpty, terms_.literal(" "), terms_.concat(line)});
    space_ = options.compact ? TermStore::kEmpty : blank;
    space_behind_ = options.compact ? terms_.optional(terms_.literal(" ")) : blank;
    const TermId character = json_character_term(terms_, CodePointSet::all(), JsonEscapes::kAll);
    never_held_ = options.never.empty() ? TermStore::kNothing : with_one_of(terms_, options.never);
    free_string_ = quoted(terms_.repeat(character, 0, TermStore::kUnlimited));
    nothing_ = builder_.add_lexeme(TermStore::kNothing, true);
  }

  Result<int> compile(const json::value& root) {
    const int part = part_of({{&root, true}});
    while (!pending_.empty()) {
      if (made_.size() > kMaxDemands) return Error("schema: too many different members");
      const Demand demand = std::move(pending_.back());
      pending_.pop_back();
      builder_.define(made_.at(demand), ONDOL_TRY(value(demand)));
    }
    if (algebra_.overflowed()) return Error("schema: too large");
    return builder_.sequence({builder_.add_lexeme(space_, true), part});
  }

 private:
  TermId quoted(TermId content) {
    if (never_held_ != TermStore::kNothing) content = terms_.both({content, terms_.complement(never_held_)});
    const TermId parts[] = {terms_.literal("\""), content, terms_.literal("\"")};
    return terms_.concat(parts);
  }

  TermId spaced(std::string_view mark, TermId before, TermId behind) {
    const TermId parts[] = {before, terms_.literal(mark), behind};
    return terms_.concat(parts);
  }

  int part_of(Demand demand) {
    std::erase_if(demand, [](const auto& literal) {
      const auto& [schema, holds] = literal;
      return (schema->is_bool() && schema->get_bool() == holds) ||
             (holds && schema->is_object() && schema->get_object().empty());
    });
    for (const auto& [schema, holds] : demand) {
      if (schema->is_bool()) return nothing_;
    }
    const auto [at, added] = made_.emplace(demand, 0);
    if (added) {
      at->second = builder_.forward();
      pending_.push_back(std::move(demand));
    }
    return at->second;
  }

  Result<int> value(const Demand& demand) {
    const Shape shape = ONDOL_TRY(expander_.expand(demand));
    std::vector<int> parts;
    const auto add_text = [&](TermId term) { parts.push_back(builder_.add_lexeme(term, terms_.has_wide_loop(term))); };
    if (shape.null) add_text(terms_.literal("null"));
    if (shape.no) add_text(terms_.literal("false"));
    if (shape.yes) add_text(terms_.literal("true"));
    if (shape.numbers != TermStore::kNothing) add_text(numbers(shape));
    if (shape.strings != TermStore::kNothing) {
      add_text(shape.strings == algebra_.all_strings() ? free_string_ : quoted(shape.strings));
    }
    for (const ObjectShape& object : shape.objects) parts.push_back(ONDOL_TRY(object_part(object)));
    for (const ArrayShape& array : shape.arrays) parts.push_back(ONDOL_TRY(array_part(array)));
    return builder_.choice(std::move(parts));
  }

  TermId numbers(const Shape& shape) {
    NumberTerms& numbers = algebra_.numbers;
    if (options_.plain_numbers) {
      const TermId plain = terms_.both({shape.numbers, numbers.plain()});
      if (terms_.is_live(plain)) return plain;
    }
    if (shape.numbers == numbers.all() && shape.exponents == Exponents::kAll) return numbers.any_text();
    if (shape.exponents == Exponents::kNone) return shape.numbers;
    return terms_.either({shape.numbers, numbers.whole_text()});
  }

  Container container(std::string_view open, std::string_view close) {
    Container container;
    container.open = spaced(open, TermStore::kEmpty, space_);
    container.comma = spaced(",", space_, space_behind_);
    container.close = spaced(close, space_, TermStore::kEmpty);
    return container;
  }

  TermId key(TermId quoted_name) { return terms_.concat(quoted_name, spaced(":", space_, space_behind_)); }

  /// The names that schemas mention, in their order.
  static std::vector<std::string> names_of(const ObjectShape& shape) {
    std::vector<std::string> names;
    std::set<std::string> seen;
    const auto add = [&](const std::string& name) {
      if (seen.insert(name).second) names.push_back(name);
    };
    for (const ObjectLayer& layer : shape.layers) {
      for (const std::string& name : layer.order) add(name);
      for (const auto& [name, unused] : layer.properties) add(name);
    }
    for (const std::string& name : shape.required) add(name);
    for (const auto& [name, needs] : shape.dependent) {
      add(name);
      for (const std::string& need : needs) add(need);
    }
    return names;
  }

  Result<int> object_part(const ObjectShape& shape) {
    Container object = container("{", "}");
    object.kind = Container::Kind::kSet;
    object.least = shape.least;
    object.most = shape.most;
    object.ordered = options_.strict;
    const std::vector<std::string> names = names_of(shape);
    if (names.size() > kMaxNames) return Error(fmt::format("schema: more than {} properties in an object", kMaxNames));
    std::map<std::string, int> index;
    for (const std::string& name : names) {
      index[name] = static_cast<int>(object.members.size());
      const TermId text = key(quoted(algebra_.text_of(name)));
      object.members.push_back({.key = text, .value = part_of(expander_.demand_of(shape, name))});
    }
    for (const std::string& name : shape.required) object.required.push_back(index.at(name));
    for (const auto& [name, needs] : shape.dependent) {
      std::vector<int> ids;
      for (const std::string& need : needs) ids.push_back(index.at(need));
      object.dependent.emplace_back(index.at(name), std::move(ids));
    }
    ONDOL_TRY(add_other_members(shape, names, object));
    return builder_.add_container(std::move(object));
  }

  /// Members with names that nobody mentions: one for each set of patterns that a name can match.
  Result<void> add_other_members(const ObjectShape& shape, const std::vector<std::string>& names, Container& object) {
    std::vector<TermId> patterns;
    for (const ObjectLayer& layer : shape.layers) {
      for (const PatternDemand& pattern : layer.patterns) patterns.push_back(pattern.keys);
    }
    std::sort(patterns.begin(), patterns.end());
    patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
    if (patterns.size() > kMaxPatterns) {
      return Error(fmt::format("schema: patternProperties: more than {} in an object are not supported", kMaxPatterns));
    }
    std::vector<TermId> mentioned;
    for (const std::string& name : names) mentioned.push_back(algebra_.text_of(name));
    const bool free = patterns.empty() && names.empty() && shape.keys.empty();
    for (size_t subset = 0; subset < size_t{1} << patterns.size(); ++subset) {
      std::vector<TermId> parts = shape.keys;
      parts.push_back(algebra_.all_strings());
      if (!mentioned.empty()) parts.push_back(terms_.complement(terms_.either(mentioned)));
      std::set<TermId> matched;
      for (size_t i = 0; i < patterns.size(); ++i) {
        const bool matches = subset >> i & 1;
        parts.push_back(matches ? patterns[i] : terms_.complement(patterns[i]));
        if (matches) matched.insert(patterns[i]);
      }
      if (matched.empty() && closes(shape)) continue;
      const int value = part_of(demand_on_others(shape, matched));
      const TermId text = terms_.both(std::move(parts));
      if (value == nothing_ || !terms_.is_live(text)) continue;
      if (object.least > 1) {
        return expander_.refused(*shape.least_by, "minProperties",
                                 "above 1 it is only supported where all properties are named, because others could "
                                 "come twice; add \"additionalProperties\": false");
      }
      object.members.push_back({.key = key(free ? free_string_ : quoted(text)), .value = value, .once = false});
    }
    return {};
  }

  /// See JsonSchemaOptions::closed.
  bool closes(const ObjectShape& shape) const {
    bool names_members = false;
    for (const ObjectLayer& layer : shape.layers) {
      if (layer.additional) return false;  // says itself what others must be
      names_members = names_members || (layer.names_members && layer.evaluates);
    }
    return options_.closed && names_members;
  }

  static Demand demand_on_others(const ObjectShape& shape, const std::set<TermId>& matched) {
    Demand demand;
    for (const ObjectLayer& layer : shape.layers) {
      bool named = false;
      for (const PatternDemand& pattern : layer.patterns) {
        if (!matched.contains(pattern.keys)) continue;
        unite(demand, pattern.demand);
        named = true;
      }
      if (!named && layer.additional) unite(demand, *layer.additional);
    }
    return demand;
  }

  Result<int> array_part(const ArrayShape& shape) {
    if (shape.unique_by != nullptr && (shape.most < 0 || shape.most > 1)) return unique_array(shape);
    Container array = container("[", "]");
    array.least = shape.least;
    array.most = shape.most;
    size_t n_prefix = 0;
    for (const ArrayLayer& layer : shape.layers) n_prefix = std::max(n_prefix, layer.prefix.size());
    if (shape.contains.size() > kMaxContains) {
      return Error(fmt::format("schema: contains: more than {} in an array are not supported", kMaxContains));
    }
    for (const ContainsDemand& contains : shape.contains) {
      if (std::max({contains.least, contains.most, shape.least, shape.most}) > kMaxCounted) {
        return Error(fmt::format("schema: contains: not supported beside counts above {}", kMaxCounted));
      }
      n_prefix = std::max(n_prefix, static_cast<size_t>(contains.first));
      array.counts.push_back({contains.least, contains.most});
    }
    array.n_prefix = static_cast<int>(n_prefix);
    for (size_t position = 0; position <= n_prefix; ++position) {
      for (size_t variant = 0; variant < size_t{1} << shape.contains.size(); ++variant) {
        array.members.push_back({.value = part_of(element_demand(shape, position, variant))});
      }
    }
    return builder_.add_container(std::move(array));
  }

  /// What an element must be to count for the contains of `variant` and no others.
  Demand element_demand(const ArrayShape& shape, size_t position, size_t variant) {
    Demand demand = SchemaExpander::demand_of(shape, position);
    for (size_t i = 0; i < shape.contains.size(); ++i) {
      const ContainsDemand& contains = shape.contains[i];
      const bool counts = variant >> i & 1;
      const bool applies = position >= static_cast<size_t>(contains.first);
      if (counts && !applies) demand.emplace(&never_, true);
      if (counts && applies) unite(demand, contains.demand);
      // Where nobody minds more of them, it may match all the same.
      if (counts || !applies || contains.most < 0) continue;
      for (const auto& [schema, holds] : contains.demand) demand.emplace(schema, !holds);
    }
    return demand;
  }

  /// Arrays of different values from a list: every value once, in any order.
  Result<int> unique_array(const ArrayShape& shape) {
    bool uniform = shape.contains.empty();
    for (const ArrayLayer& layer : shape.layers) uniform = uniform && layer.prefix.empty();
    const Demand demand = SchemaExpander::demand_of(shape, 0);
    const json::array* values = nullptr;
    for (const auto& [schema, holds] : demand) {
      const json::value* listed = find_member(*schema, "enum");
      if (holds && listed != nullptr && listed->is_array()) values = &listed->get_array();
    }
    if (!uniform || values == nullptr || values->size() > kMaxUnique) {
      return expander_.refused(*shape.unique_by, "uniqueItems", "only supported where items are listed with enum");
    }
    Container array = container("[", "]");
    array.kind = Container::Kind::kSet;
    array.least = shape.least;
    array.most = shape.most;
    for (size_t i = 0; i < values->size(); ++i) {
      const json::value& value = (*values)[i];
      if (std::find(values->begin(), values->begin() + static_cast<std::ptrdiff_t>(i), value) !=
          values->begin() + static_cast<std::ptrdiff_t>(i)) {
        continue;
      }
      Demand one = demand;
      one.emplace(expander_.constant(value), true);
      array.members.push_back({.value = part_of(std::move(one))});
    }
    return builder_.add_container(std::move(array));
  }

  GrammarBuilder::State& builder_;
  TermStore& terms_;
  ShapeAlgebra algebra_;
  const JsonSchemaOptions options_;
  SchemaExpander expander_;
  TermId space_;
  TermId space_behind_;
  TermId never_held_ = TermStore::kNothing;
  TermId free_string_;
  int nothing_ = 0;
  const json::value never_ = false;
  std::map<Demand, int> made_;
  std::vector<Demand> pending_;
};

}  // namespace

Result<int> add_json_schema(GrammarBuilder::State& builder, const json::value& schema,
                            const JsonSchemaOptions& options) {
  SchemaDocument document = ONDOL_TRY(SchemaDocument::create(schema));
  return SchemaCompiler(builder, document, options).compile(schema);
}

}  // namespace ondol::grammar
