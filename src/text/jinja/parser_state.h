// The parser's innards, shared by parse_statements.cpp and parse_expressions.cpp.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/lexer.h"
#include "text/jinja/parser.h"

namespace ondol::jinja {

class Parser {
 public:
  Parser(std::vector<Token> tokens, Names& names) : tokens_(std::move(tokens)), names_(names) {}

  Block parse_all();

 private:
  using Words = std::initializer_list<std::string_view>;

  // -- tokens --
  const Token& current() const { return tokens_[next_]; }
  const Token& ahead() const { return tokens_[std::min(next_ + 1, tokens_.size() - 1)]; }
  const Token& advance();
  bool at(TokenKind kind) const { return current().kind == kind; }
  bool at_operator(std::string_view op) const { return at(TokenKind::kOperator) && current().text == op; }
  bool at_word(std::string_view word) const { return at(TokenKind::kName) && current().text == word; }
  bool at_any(Words words) const;
  bool skip_operator(std::string_view op);
  bool skip_word(std::string_view word);
  void expect_operator(std::string_view op);
  void expect_word(std::string_view word);
  void expect(TokenKind kind, const char* what);
  std::string expect_name();
  [[noreturn]] void fail(const std::string& message) const;
  [[noreturn]] void unexpected(const std::string& expected) const;
  std::string describe_current() const;

  // -- statements (parse_statements.cpp) --
  Block parse_block_until(Words ends);  // leaves the end word to be read
  Block parse_body(Words ends);         // from behind the head of a tag
  std::unique_ptr<const Statement> parse_statement();
  std::unique_ptr<const Statement> parse_if();
  std::unique_ptr<const Statement> parse_for();
  std::unique_ptr<const Statement> parse_set();
  std::unique_ptr<const Statement> parse_macro();
  std::unique_ptr<const Statement> parse_call_block();
  std::unique_ptr<const Statement> parse_filter_block();
  std::unique_ptr<const Statement> parse_with();
  std::unique_ptr<const Statement> parse_generation();
  std::unique_ptr<const Statement> parse_named_block();
  std::unique_ptr<const Statement> parse_autoescape();
  std::unique_ptr<const Statement> parse_loop_control();
  std::unique_ptr<const Statement> parse_print();
  std::unique_ptr<const Statement> parse_unavailable();
  void parse_parameters(Signature& signature);
  void parse_signature_body(Signature& signature, std::string_view end);
  Target parse_target(bool allow_namespace, Words ends);
  Target parse_target_part(bool allow_namespace);

  // -- expressions (parse_expressions.cpp) --
  ExpressionPtr parse_expression(bool with_conditional = true);
  ExpressionPtr parse_tuple(bool with_conditional, Words ends, bool in_parentheses = false);
  bool at_tuple_end(Words ends) const;
  ExpressionPtr parse_conditional();
  ExpressionPtr parse_or();
  ExpressionPtr parse_and();
  ExpressionPtr parse_not();
  ExpressionPtr parse_comparison();
  ExpressionPtr parse_sum();
  ExpressionPtr parse_concatenation();
  ExpressionPtr parse_product();
  ExpressionPtr parse_power();
  ExpressionPtr parse_unary(bool with_filters = true);
  ExpressionPtr parse_primary();
  ExpressionPtr parse_name();
  ExpressionPtr parse_list();
  ExpressionPtr parse_dict();
  ExpressionPtr parse_postfix(ExpressionPtr node);
  ExpressionPtr parse_filters_and_tests(ExpressionPtr node);
  ExpressionPtr parse_subscript(ExpressionPtr node);
  ExpressionPtr parse_filter(ExpressionPtr input);
  ExpressionPtr parse_filter_chain(bool first_has_bar);  // without an input
  ExpressionPtr parse_test(ExpressionPtr input);
  CallArguments parse_arguments();
  bool at_comparison(ComparisonChain::Link& link);

  /// Makes a node and refuses a tree that is too deep.
  template <typename Node, typename... Parts>
  ExpressionPtr make(Position position, Parts&&... parts) {
    auto node = std::make_unique<Node>(position, std::forward<Parts>(parts)...);
    if (node->depth > kMaxNodeDepth) throw Failure("an expression is too long", position);
    return node;
  }

  void note_special_name(std::string_view name);
  void note_unknown(Position position, std::string message);

  // Guards recursion: lives while one more bracket or block is open.
  struct Nesting {
    explicit Nesting(Parser& parser) : parser(parser) {
      if (++parser.nesting_ > kMaxSyntaxDepth) parser.fail("the template is nested too deeply");
    }
    ~Nesting() { --parser.nesting_; }
    Parser& parser;
  };

  // Restores `value` at the end of its life.
  template <typename T>
  struct Restore {
    Restore(T& place, T value) : place(place), old(place) { place = value; }
    ~Restore() { place = old; }
    T& place;
    T old;
  };

  std::vector<Token> tokens_;
  Names& names_;
  size_t next_ = 0;
  int nesting_ = 0;
  int loops_ = 0;                       // loops around, within the same macro
  bool unknown_may_wait_ = false;       // inside `if`, an unknown filter fails only when it is reached
  std::vector<Failure> unknown_;        // unknown filters and tests elsewhere: the template is refused
  std::vector<Signature*> signatures_;  // macros and call blocks around
};

}  // namespace ondol::jinja
