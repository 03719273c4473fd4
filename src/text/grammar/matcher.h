// Matcher: where a text stands in a grammar, byte by byte.
//
// A configuration is a set of items: a lexeme that has begun (a term: what may still follow in it) with a continuation,
// what comes behind the lexeme. Continuations are stacks with common parts, kept as sets of links from a place in the
// grammar to the continuation behind it (a graph-structured stack, Tomita 1985). All of them are interned, so that
// equal configurations have equal ids and steps from them are computed once. Ambiguous grammars therefore cost memory
// in proportion to the text, not to the number of ways to read it.
//
// One thread at a time. Grows as it is used, see size_bytes().
#pragma once

#include <functional>
#include <map>
#include <unordered_set>

#include "text/grammar/grammar_nodes.h"

namespace ondol::grammar {

using ConfigId = int32_t;
using ContinuationId = int32_t;

class Matcher {
 public:
  static constexpr ConfigId kDead = 0;  // no text of the grammar begins like this

  /// The token of a special text in the vocabulary, or kNoToken.
  using TokenOfText = std::function<TokenId(const std::string& text)>;

  /// Without `token_of_text`, special texts are matched by their characters.
  explicit Matcher(GrammarPtr grammar, const TokenOfText& token_of_text = nullptr);

  ConfigId start();
  ConfigId step(ConfigId config, uint8_t byte);

  /// Behind `token`, where the grammar names tokens; kDead where it does not name this one. Text that the token stands
  /// for does not count.
  ConfigId step_token(ConfigId config, TokenId token);

  /// What either configuration may go on with.
  ConfigId merged(ConfigId a, ConfigId b);

  /// The configuration of another matcher for the same grammar.
  ConfigId import(const Matcher& other, ConfigId config);

  bool may_end(ConfigId config) const { return may_end_[static_cast<size_t>(config)]; }
  /// Nothing but the end may follow.
  bool must_end(ConfigId config) const { return may_end(config) && items_of(config).empty(); }

  struct Item {
    /// A term, or ~n for a node n that names a token.
    int32_t what = 0;
    ContinuationId then = 0;
    bool names_token() const { return what < 0; }
  };
  std::vector<Item> items_of(ConfigId config) const;
  /// Where a text stands that has just completed an item with this continuation.
  ConfigId config_behind(ContinuationId continuation);

  /// The one token that a node of an item names, with `except` false, or the one that it does not mean.
  struct NamedToken {
    TokenId token = kNoToken;
    bool except = false;
  };
  NamedToken named_token(const Item& item) const { return named_tokens_.at(~item.what); }

  TermStore& terms() { return terms_; }
  size_t size_bytes() const;

 private:
  // A place in the grammar behind a part: for sequences the next part, for repetitions how many times were matched,
  // for containers the id of (phase, member, state...) in data_.
  struct Link {
    NodeId node = 0;
    int32_t data = 0;
    ContinuationId then = 0;
    friend auto operator<=>(const Link&, const Link&) = default;
  };
  static constexpr NodeId kEndOfText = -1;

  class Closure;

  const Node& node(NodeId id) const { return grammar_->nodes[static_cast<size_t>(id)]; }
  ConfigId compute_step(ConfigId config, uint8_t byte);
  void name_tokens(const TokenOfText& token_of_text);
  ContinuationId push(NodeId node, int32_t data, ContinuationId then);
  ContinuationId unite(ContinuationId a, ContinuationId b);
  std::vector<Link> links_of(ContinuationId continuation) const;
  ContinuationId intern_links(std::vector<Link> links);
  ConfigId intern_config(const std::map<int32_t, ContinuationId>& items, bool may_end);

  GrammarPtr grammar_;
  TermStore terms_;
  std::map<NodeId, NamedToken> named_tokens_;
  std::map<NodeId, TermId> characters_;  // of special texts without a token
  Interner continuations_;               // links, three numbers each
  std::vector<int32_t> depths_;
  Interner data_;
  Interner configs_;  // 1 if the text may end, then items, two numbers each
  std::vector<bool> may_end_;
  StepMemo steps_;
  std::vector<ConfigId> behind_;
};

}  // namespace ondol::grammar
