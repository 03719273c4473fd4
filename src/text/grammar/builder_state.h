// What a GrammarBuilder holds, for the readers of GBNF and JSON Schema.
#pragma once

#include <functional>

#include "text/grammar/grammar_nodes.h"

namespace ondol {

struct GrammarBuilder::State {
  grammar::TermStore terms;
  std::vector<grammar::Node> nodes;
  std::vector<grammar::Container> containers;

  int add(grammar::Node node) {
    nodes.push_back(std::move(node));
    return static_cast<int>(nodes.size()) - 1;
  }
  int add_lexeme(grammar::TermId term, bool sealed) {
    return add({.kind = grammar::Node::Kind::kLexeme, .sealed = sealed, .term = term});
  }
  int add_container(grammar::Container container) {
    containers.push_back(std::move(container));
    return add({.kind = grammar::Node::Kind::kContainer, .container = static_cast<int>(containers.size()) - 1});
  }
  const grammar::Node& node(int id) const { return nodes[static_cast<size_t>(id)]; }

  int sequence(std::vector<int> parts);
  int choice(std::vector<int> parts);
  int repeat(int part, int least, int most);
  int forward() { return add({.kind = grammar::Node::Kind::kForward}); }
  void define(int forward, int meaning) { nodes[static_cast<size_t>(forward)].parts = {meaning}; }
  int import(const Grammar& other);
  Result<GrammarPtr> build(int root);
};

namespace grammar {

/// Texts in which one of `markers` occurs.
TermId with_one_of(TermStore& terms, const std::vector<std::string>& markers);

}  // namespace grammar
}  // namespace ondol
