#include <fmt/format.h>

#include "text/jinja/parser_state.h"

namespace ondol::jinja {
namespace {

int depth_of(const ExpressionPtr& node) { return node == nullptr ? 0 : node->depth; }

template <typename... Nodes>
int above(const Nodes&... nodes) {
  return 1 + std::max({depth_of(nodes)...});
}

int above_all(const std::vector<ExpressionPtr>& nodes) {
  int depth = 0;
  for (const ExpressionPtr& node : nodes) depth = std::max(depth, node->depth);
  return depth + 1;
}

int above_pairs(const DictDisplay::Pairs& pairs) {
  int depth = 0;
  for (const auto& [key, value] : pairs) depth = std::max({depth, key->depth, value->depth});
  return depth + 1;
}

int above_links(const ExpressionPtr& first, const std::vector<ComparisonChain::Link>& links) {
  int depth = first->depth;
  for (const auto& link : links) depth = std::max(depth, link.operand->depth);
  return depth + 1;
}

}  // namespace

int CallArguments::depth() const {
  int depth = std::max(depth_of(star), depth_of(double_star));
  for (const ExpressionPtr& value : positional) depth = std::max(depth, value->depth);
  for (const auto& [name, value] : named) depth = std::max(depth, value->depth);
  return depth;
}

SequenceDisplay::SequenceDisplay(Position position, Kind kind, std::vector<ExpressionPtr> items)
    : Expression(position, above_all(items)), kind(kind), items(std::move(items)) {}
DictDisplay::DictDisplay(Position position, Pairs pairs)
    : Expression(position, above_pairs(pairs)), pairs(std::move(pairs)) {}
Unary::Unary(Position position, UnaryOperator op, ExpressionPtr operand)
    : Expression(position, above(operand)), op(op), operand(std::move(operand)) {}
Binary::Binary(Position position, BinaryOperator op, ExpressionPtr left, ExpressionPtr right)
    : Expression(position, above(left, right)), op(op), left(std::move(left)), right(std::move(right)) {}
Concatenation::Concatenation(Position position, std::vector<ExpressionPtr> parts)
    : Expression(position, above_all(parts)), parts(std::move(parts)) {}
ComparisonChain::ComparisonChain(Position position, ExpressionPtr first, std::vector<Link> links)
    : Expression(position, above_links(first, links)), first(std::move(first)), links(std::move(links)) {}
Conditional::Conditional(Position position, ExpressionPtr condition, ExpressionPtr then, ExpressionPtr otherwise)
    : Expression(position, above(condition, then, otherwise)),
      condition(std::move(condition)),
      then(std::move(then)),
      otherwise(std::move(otherwise)) {}
Attribute::Attribute(Position position, ExpressionPtr object, std::string name)
    : Expression(position, above(object)), object(std::move(object)), name(std::move(name)) {}
Subscript::Subscript(Position position, ExpressionPtr object, ExpressionPtr index)
    : Expression(position, above(object, index)), object(std::move(object)), index(std::move(index)) {}
Slice::Slice(Position position, ExpressionPtr object, ExpressionPtr start, ExpressionPtr stop, ExpressionPtr step)
    : Expression(position, above(object, start, stop, step)),
      object(std::move(object)),
      start(std::move(start)),
      stop(std::move(stop)),
      step(std::move(step)) {}
Call::Call(Position position, ExpressionPtr callee, CallArguments arguments)
    : Expression(position, 1 + std::max(callee->depth, arguments.depth())),
      callee(std::move(callee)),
      arguments(std::move(arguments)) {}
FilterCall::FilterCall(Position position, ExpressionPtr input, std::string name, CallArguments arguments)
    : Expression(position, 1 + std::max(depth_of(input), arguments.depth())),
      input(std::move(input)),
      name(std::move(name)),
      filter(find_filter(this->name)),
      arguments(std::move(arguments)) {}
TestCall::TestCall(Position position, ExpressionPtr input, std::string name, CallArguments arguments)
    : Expression(position, 1 + std::max(input->depth, arguments.depth())),
      input(std::move(input)),
      name(std::move(name)),
      test(find_test(this->name)),
      arguments(std::move(arguments)) {}

ExpressionPtr Parser::parse_expression(bool with_conditional) {
  const Nesting nesting(*this);
  return with_conditional ? parse_conditional() : parse_or();
}

bool Parser::at_tuple_end(Words ends) const {
  return at(TokenKind::kVariableEnd) || at(TokenKind::kBlockEnd) || at_operator(")") || at_any(ends);
}

// One expression, or several with commas between and perhaps behind them, which make a tuple.
ExpressionPtr Parser::parse_tuple(bool with_conditional, Words ends, bool in_parentheses) {
  const Position position = current().position;
  std::vector<ExpressionPtr> items;
  bool is_tuple = false;
  while (!at_tuple_end(ends)) {
    items.push_back(parse_expression(with_conditional));
    if (!skip_operator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return std::move(items[0]);
  if (!is_tuple && !in_parentheses) unexpected("an expression");
  return make<SequenceDisplay>(position, Kind::kTuple, std::move(items));
}

ExpressionPtr Parser::parse_conditional() {
  const size_t n_unknown = unknown_.size();
  ExpressionPtr then = parse_or();
  while (at_word("if")) {
    const Position position = advance().position;
    ExpressionPtr condition = parse_or();
    ExpressionPtr otherwise;
    if (skip_word("else")) {
      const Nesting nesting(*this);
      otherwise = parse_conditional();
    }
    then = make<Conditional>(position, std::move(condition), std::move(then), std::move(otherwise));
    unknown_.erase(unknown_.begin() + static_cast<std::ptrdiff_t>(n_unknown), unknown_.end());
  }
  return then;
}

ExpressionPtr Parser::parse_or() {
  ExpressionPtr left = parse_and();
  while (at_word("or")) {
    const Position position = advance().position;
    left = make<Binary>(position, BinaryOperator::kOr, std::move(left), parse_and());
  }
  return left;
}

ExpressionPtr Parser::parse_and() {
  ExpressionPtr left = parse_not();
  while (at_word("and")) {
    const Position position = advance().position;
    left = make<Binary>(position, BinaryOperator::kAnd, std::move(left), parse_not());
  }
  return left;
}

ExpressionPtr Parser::parse_not() {
  if (!at_word("not")) return parse_comparison();
  const Nesting nesting(*this);
  const Position position = advance().position;
  return make<Unary>(position, UnaryOperator::kNot, parse_not());
}

// Takes a comparison operator if one is here and notes it in `link`.
bool Parser::at_comparison(ComparisonChain::Link& link) {
  using Type = ComparisonChain::Link::Type;
  static constexpr std::pair<std::string_view, Comparison> kComparisons[] = {
      {"==", Comparison::kEqual}, {"!=", Comparison::kNotEqual},   {"<", Comparison::kLess}, {"<=", Comparison::kLessEqual},
      {">", Comparison::kGreater}, {">=", Comparison::kGreaterEqual}};
  for (const auto& [op, comparison] : kComparisons) {
    if (!skip_operator(op)) continue;
    link.type = Type::kCompare;
    link.comparison = comparison;
    return true;
  }
  if (skip_word("in")) {
    link.type = Type::kIn;
    return true;
  }
  if (at_word("not") && ahead().kind == TokenKind::kName && ahead().text == "in") {
    advance();
    advance();
    link.type = Type::kNotIn;
    return true;
  }
  return false;
}

ExpressionPtr Parser::parse_comparison() {
  ExpressionPtr first = parse_sum();
  const Position position = current().position;
  std::vector<ComparisonChain::Link> links;
  for (ComparisonChain::Link link{}; at_comparison(link);) {
    link.operand = parse_sum();
    links.push_back(std::move(link));
  }
  if (links.empty()) return first;
  return make<ComparisonChain>(position, std::move(first), std::move(links));
}

ExpressionPtr Parser::parse_sum() {
  ExpressionPtr left = parse_concatenation();
  while (at_operator("+") || at_operator("-")) {
    const Token& op = advance();
    const BinaryOperator type = op.text == "+" ? BinaryOperator::kAdd : BinaryOperator::kSubtract;
    left = make<Binary>(op.position, type, std::move(left), parse_concatenation());
  }
  return left;
}

ExpressionPtr Parser::parse_concatenation() {
  const Position position = current().position;
  ExpressionPtr first = parse_product();
  if (!at_operator("~")) return first;
  std::vector<ExpressionPtr> parts;
  parts.push_back(std::move(first));
  while (skip_operator("~")) parts.push_back(parse_product());
  return make<Concatenation>(position, std::move(parts));
}

ExpressionPtr Parser::parse_product() {
  static constexpr std::pair<std::string_view, BinaryOperator> kProducts[] = {{"*", BinaryOperator::kMultiply},
                                                                              {"/", BinaryOperator::kDivide},
                                                                              {"//", BinaryOperator::kFloorDivide},
                                                                              {"%", BinaryOperator::kModulo}};
  ExpressionPtr left = parse_power();
  while (at(TokenKind::kOperator)) {
    const auto* found = std::find_if(std::begin(kProducts), std::end(kProducts),
                                     [&](const auto& product) { return product.first == current().text; });
    if (found == std::end(kProducts)) break;
    const Position position = advance().position;
    left = make<Binary>(position, found->second, std::move(left), parse_power());
  }
  return left;
}

ExpressionPtr Parser::parse_power() {
  ExpressionPtr left = parse_unary();
  while (at_operator("**")) {
    const Position position = advance().position;
    left = make<Binary>(position, BinaryOperator::kPower, std::move(left), parse_unary());
  }
  return left;
}

// A sign binds closer than a filter: -5|abs is (-5)|abs.
ExpressionPtr Parser::parse_unary(bool with_filters) {
  const Nesting nesting(*this);
  ExpressionPtr node;
  if (at_operator("-") || at_operator("+")) {
    const Token& sign = advance();
    const UnaryOperator op = sign.text == "-" ? UnaryOperator::kNegative : UnaryOperator::kPositive;
    node = make<Unary>(sign.position, op, parse_unary(false));
  } else {
    node = parse_primary();
  }
  node = parse_postfix(std::move(node));
  return with_filters ? parse_filters_and_tests(std::move(node)) : std::move(node);
}

ExpressionPtr Parser::parse_primary() {
  const Position position = current().position;
  switch (current().kind) {
    case TokenKind::kName:
      return parse_name();
    case TokenKind::kText: {
      std::string text;
      while (at(TokenKind::kText)) text += advance().text;
      return make<Literal>(position, Value::text(std::move(text)));
    }
    case TokenKind::kInteger:
    case TokenKind::kReal:
      return make<Literal>(position, advance().value);
    default:
      break;
  }
  if (skip_operator("(")) {
    ExpressionPtr node = parse_tuple(true, {}, true);
    expect_operator(")");
    return node;
  }
  if (at_operator("[")) return parse_list();
  if (at_operator("{")) return parse_dict();
  unexpected("an expression");
}

ExpressionPtr Parser::parse_name() {
  const Token& token = advance();
  const std::string& name = token.text;
  if (name == "true" || name == "True") return make<Literal>(token.position, Value::boolean(true));
  if (name == "false" || name == "False") return make<Literal>(token.position, Value::boolean(false));
  if (name == "none" || name == "None") return make<Literal>(token.position, Value());
  note_special_name(name);
  return make<Variable>(token.position, names_.id(name));
}

// A macro that mentions caller, kwargs or varargs receives them.
void Parser::note_special_name(std::string_view name) {
  for (Signature* signature : signatures_) {
    if (name == "caller") signature->uses_caller = true;
    if (name == "kwargs") signature->uses_kwargs = true;
    if (name == "varargs") signature->uses_varargs = true;
  }
}

void Parser::note_unknown(Position position, std::string message) {
  if (!unknown_may_wait_) unknown_.emplace_back(message, position);
}

ExpressionPtr Parser::parse_list() {
  const Position position = advance().position;
  std::vector<ExpressionPtr> items;
  while (!at_operator("]")) {
    items.push_back(parse_expression());
    if (!skip_operator(",")) break;
  }
  expect_operator("]");
  return make<SequenceDisplay>(position, Kind::kList, std::move(items));
}

ExpressionPtr Parser::parse_dict() {
  const Position position = advance().position;
  DictDisplay::Pairs pairs;
  while (!at_operator("}")) {
    ExpressionPtr key = parse_expression();
    expect_operator(":");
    pairs.emplace_back(std::move(key), parse_expression());
    if (!skip_operator(",")) break;
  }
  expect_operator("}");
  return make<DictDisplay>(position, std::move(pairs));
}

ExpressionPtr Parser::parse_postfix(ExpressionPtr node) {
  while (true) {
    const Position position = current().position;
    if (skip_operator(".")) {
      if (at(TokenKind::kName)) {
        node = make<Attribute>(position, std::move(node), advance().text);
      } else if (at(TokenKind::kInteger)) {
        const Token& index = advance();
        node = make<Subscript>(position, std::move(node), make<Literal>(index.position, index.value));
      } else {
        unexpected("a name or a number");
      }
    } else if (at_operator("[")) {
      node = parse_subscript(std::move(node));
    } else if (at_operator("(")) {
      node = make<Call>(position, std::move(node), parse_arguments());
    } else {
      return node;
    }
  }
}

ExpressionPtr Parser::parse_subscript(ExpressionPtr node) {
  const Position position = advance().position;
  std::vector<ExpressionPtr> items;
  while (!at_operator("]")) {
    ExpressionPtr start;
    if (!at_operator(":")) start = parse_expression();
    if (skip_operator(":")) {
      ExpressionPtr stop, step;
      if (!at_operator(":") && !at_operator("]")) stop = parse_expression();
      if (skip_operator(":") && !at_operator("]")) step = parse_expression();
      expect_operator("]");
      return make<Slice>(position, std::move(node), std::move(start), std::move(stop), std::move(step));
    }
    items.push_back(std::move(start));
    if (!skip_operator(",")) break;
  }
  expect_operator("]");
  if (items.size() == 1) return make<Subscript>(position, std::move(node), std::move(items[0]));
  ExpressionPtr index = make<SequenceDisplay>(position, Kind::kTuple, std::move(items));
  return make<Subscript>(position, std::move(node), std::move(index));
}

ExpressionPtr Parser::parse_filters_and_tests(ExpressionPtr node) {
  while (true) {
    if (at_operator("|")) {
      advance();
      node = parse_filter(std::move(node));
    } else if (at_word("is")) {
      node = parse_test(std::move(node));
    } else if (at_operator("(")) {
      const Position position = current().position;
      node = make<Call>(position, std::move(node), parse_arguments());
    } else {
      return node;
    }
  }
}

// From behind the bar.
ExpressionPtr Parser::parse_filter(ExpressionPtr input) {
  const Position position = current().position;
  std::string name = expect_name();
  while (skip_operator(".")) name += "." + expect_name();
  CallArguments arguments;
  if (at_operator("(")) arguments = parse_arguments();
  if (find_filter(name) == nullptr) note_unknown(position, fmt::format("no filter named '{}'", name));
  return make<FilterCall>(position, std::move(input), std::move(name), std::move(arguments));
}

ExpressionPtr Parser::parse_filter_chain(bool first_has_bar) {
  if (first_has_bar) expect_operator("|");
  ExpressionPtr chain = parse_filter(nullptr);
  while (skip_operator("|")) chain = parse_filter(std::move(chain));
  return chain;
}

ExpressionPtr Parser::parse_test(ExpressionPtr input) {
  const Position position = advance().position;
  const bool negated = skip_word("not");
  std::string name = expect_name();
  while (skip_operator(".")) name += "." + expect_name();
  CallArguments arguments;
  const bool argument_follows = at(TokenKind::kName) || at(TokenKind::kText) || at(TokenKind::kInteger) ||
                                at(TokenKind::kReal) || at_operator("[") || at_operator("{");
  if (at_operator("(")) {
    arguments = parse_arguments();
  } else if (argument_follows && !at_any({"else", "or", "and"})) {
    if (at_word("is")) fail("tests cannot be chained with 'is'");
    ExpressionPtr argument = parse_primary();
    arguments.positional.push_back(parse_postfix(std::move(argument)));
  }
  if (find_test(name) == nullptr) note_unknown(position, fmt::format("no test named '{}'", name));
  ExpressionPtr node = make<TestCall>(position, std::move(input), std::move(name), std::move(arguments));
  if (negated) node = make<Unary>(position, UnaryOperator::kNot, std::move(node));
  return node;
}

CallArguments Parser::parse_arguments() {
  expect_operator("(");
  CallArguments arguments;
  const auto require = [this](bool condition) {
    if (!condition) fail("invalid order of arguments in a call");
  };
  while (!at_operator(")")) {
    if (skip_operator("*")) {
      require(arguments.star == nullptr && arguments.double_star == nullptr);
      arguments.star = parse_expression();
    } else if (skip_operator("**")) {
      require(arguments.double_star == nullptr);
      arguments.double_star = parse_expression();
    } else if (at(TokenKind::kName) && ahead().kind == TokenKind::kOperator && ahead().text == "=") {
      require(arguments.double_star == nullptr);
      std::string name = advance().text;
      advance();
      for (const auto& [other, value] : arguments.named) {
        if (other == name) fail(fmt::format("keyword argument repeated: {}", name));
      }
      arguments.named.emplace_back(std::move(name), parse_expression());
    } else {
      require(arguments.star == nullptr && arguments.double_star == nullptr && arguments.named.empty());
      arguments.positional.push_back(parse_expression());
    }
    if (!at_operator(")")) expect_operator(",");
  }
  expect_operator(")");
  return arguments;
}

}  // namespace ondol::jinja
