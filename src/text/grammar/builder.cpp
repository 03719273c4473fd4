#include <algorithm>

#include "text/grammar/builder_state.h"
#include "text/grammar/json_schema.h"
#include "text/grammar/regex_terms.h"

namespace ondol {
namespace {

using grammar::Node;
using grammar::TermId;
using grammar::TermStore;

// Lexemes whose transitions are this deep to compute are not joined further.
constexpr int kMaxJoinedDepth = 200;

}  // namespace

grammar::TermId grammar::with_one_of(TermStore& terms, const std::vector<std::string>& markers) {
  std::vector<TermId> found;
  for (const std::string& marker : markers) found.push_back(terms.literal(marker));
  const TermId parts[] = {TermStore::kAnything, terms.either(std::move(found)), TermStore::kAnything};
  return terms.concat(parts);
}

// A lexeme that loops over most bytes, such as the inside of a string, is where nearly every token can follow, and
// finding them is the most work. Such a lexeme stays by itself, so that what was found serves wherever it is used;
// everything else is joined to as few lexemes as possible.

int GrammarBuilder::State::sequence(std::vector<int> parts) {
  std::vector<int> joined;
  std::vector<TermId> run;
  bool run_is_wide = false;
  const auto flush = [&] {
    if (!run.empty()) joined.push_back(add_lexeme(terms.concat(run), run_is_wide && run.size() > 1));
    run.clear();
    run_is_wide = false;
  };
  for (const int part : parts) {
    const Node& n = node(part);
    const bool joins = n.kind == Node::Kind::kLexeme && !n.sealed && terms.row_depth(n.term) < kMaxJoinedDepth;
    if (!joins) {
      flush();
      joined.push_back(part);
      continue;
    }
    const bool wide = terms.has_wide_loop(n.term);
    if (wide && run_is_wide) flush();
    run.push_back(n.term);
    run_is_wide = run_is_wide || wide;
  }
  flush();
  if (joined.empty()) return add_lexeme(TermStore::kEmpty, false);
  if (joined.size() == 1) return joined[0];
  return add({.kind = Node::Kind::kSequence, .parts = std::move(joined)});
}

int GrammarBuilder::State::choice(std::vector<int> parts) {
  std::vector<int> separate;
  std::vector<TermId> joined;
  for (const int part : parts) {
    const Node& n = node(part);
    const bool joins = n.kind == Node::Kind::kLexeme && !n.sealed && terms.row_depth(n.term) < kMaxJoinedDepth;
    if (joins) {
      joined.push_back(n.term);
    } else {
      separate.push_back(part);
    }
  }
  if (!joined.empty() || separate.empty()) separate.push_back(add_lexeme(terms.either(std::move(joined)), false));
  if (separate.size() == 1) return separate[0];
  return add({.kind = Node::Kind::kChoice, .parts = std::move(separate)});
}

int GrammarBuilder::State::repeat(int part, int least, int most) {
  least = std::max(least, 0);
  const Node& n = node(part);
  if (n.kind == Node::Kind::kLexeme && !n.sealed && terms.row_depth(n.term) < kMaxJoinedDepth) {
    return add_lexeme(terms.repeat(n.term, least, most), false);
  }
  return add({.kind = Node::Kind::kRepeat, .least = least, .most = most < 0 ? -1 : most, .parts = {part}});
}

int GrammarBuilder::State::import(const Grammar& other) {
  grammar::TermImport import_term(other.terms, terms);
  const auto first_node = static_cast<int>(nodes.size());
  const auto first_container = static_cast<int>(containers.size());
  for (Node node : other.nodes) {
    if (node.kind == Node::Kind::kLexeme) node.term = import_term(node.term);
    for (int& part : node.parts) part += first_node;
    node.container += first_container;
    nodes.push_back(std::move(node));
  }
  for (grammar::Container container : other.containers) {
    container.open = import_term(container.open);
    container.comma = import_term(container.comma);
    container.close = import_term(container.close);
    for (auto& member : container.members) {
      member.key = import_term(member.key);
      member.value += first_node;
    }
    containers.push_back(std::move(container));
  }
  return first_node + other.root;
}

GrammarBuilder::GrammarBuilder() : state_(std::make_unique<State>()) {}
GrammarBuilder::~GrammarBuilder() = default;

GrammarBuilder::Part GrammarBuilder::literal(std::string_view bytes) {
  return {state_->add_lexeme(state_->terms.literal(bytes), false)};
}

GrammarBuilder::Part GrammarBuilder::special(std::string_view text) {
  return {state_->add({.kind = Node::Kind::kSpecial, .text = std::string(text)})};
}

GrammarBuilder::Part GrammarBuilder::text_before(std::vector<std::string> markers) {
  TermStore& terms = state_->terms;
  if (markers.empty()) return {state_->add_lexeme(TermStore::kAnything, true)};
  const TermId character = grammar::utf8_term(terms, grammar::CodePointSet::all());
  const TermId text = terms.repeat(character, 0, TermStore::kUnlimited);
  return {state_->add_lexeme(terms.both({text, terms.complement(grammar::with_one_of(terms, markers))}), true)};
}

Result<GrammarBuilder::Part> GrammarBuilder::regex(std::string_view pattern) {
  TermStore& terms = state_->terms;
  const auto character = [&](const grammar::CodePointSet& set) { return grammar::utf8_term(terms, set); };
  const TermId term = ONDOL_TRY(grammar::regex_term(terms, pattern, grammar::RegexMeaning::kWholeText, character));
  return Part{state_->add_lexeme(term, terms.has_wide_loop(term))};
}

Result<GrammarBuilder::Part> GrammarBuilder::regex_but(std::string_view pattern, const std::vector<std::string>& texts,
                                                       const std::vector<std::string>& markers) {
  TermStore& terms = state_->terms;
  const auto character = [&](const grammar::CodePointSet& set) { return grammar::utf8_term(terms, set); };
  const TermId all = ONDOL_TRY(grammar::regex_term(terms, pattern, grammar::RegexMeaning::kWholeText, character));
  std::vector<TermId> not_meant;
  for (const std::string& text : texts) not_meant.push_back(terms.literal(text));
  if (!markers.empty()) not_meant.push_back(grammar::with_one_of(terms, markers));
  const TermId term = terms.both({all, terms.complement(terms.either(std::move(not_meant)))});
  return Part{state_->add_lexeme(term, terms.has_wide_loop(term))};
}

Result<GrammarBuilder::Part> GrammarBuilder::json_schema(const json::value& schema, const JsonSchemaOptions& options) {
  return Part{ONDOL_TRY(grammar::add_json_schema(*state_, schema, options))};
}

GrammarBuilder::Part GrammarBuilder::grammar(GrammarPtr other) {
  return {state_->import(*other)};
}

namespace {

std::vector<int> ids_of(const std::vector<GrammarBuilder::Part>& parts) {
  std::vector<int> ids;
  for (const GrammarBuilder::Part& part : parts) {
    ONDOL_CHECK(part.id >= 0);
    ids.push_back(part.id);
  }
  return ids;
}

}  // namespace

GrammarBuilder::Part GrammarBuilder::sequence(std::vector<Part> parts) {
  return {state_->sequence(ids_of(parts))};
}
GrammarBuilder::Part GrammarBuilder::choice(std::vector<Part> parts) {
  return {state_->choice(ids_of(parts))};
}
GrammarBuilder::Part GrammarBuilder::repeat(Part part, int least, int most) {
  return {state_->repeat(part.id, least, most)};
}
GrammarBuilder::Part GrammarBuilder::forward() {
  return {state_->forward()};
}
void GrammarBuilder::define(Part forward, Part meaning) {
  state_->define(forward.id, meaning.id);
}
Result<GrammarPtr> GrammarBuilder::build(Part root) {
  return state_->build(root.id);
}

Result<GrammarPtr> grammar_from_regex(std::string_view pattern) {
  GrammarBuilder builder;
  return builder.build(ONDOL_TRY(builder.regex(pattern)));
}

Result<GrammarPtr> grammar_from_json_schema(const json::value& schema, const JsonSchemaOptions& options) {
  GrammarBuilder builder;
  return builder.build(ONDOL_TRY(builder.json_schema(schema, options)));
}

GrammarPtr grammar_of_json_objects() {
  static const GrammarPtr grammar = *grammar_from_json_schema(json::object{{"type", "object"}});
  return grammar;
}

}  // namespace ondol
