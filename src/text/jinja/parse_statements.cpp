#include <fmt/format.h>

#include "text/jinja/parser_state.h"

namespace ondol::jinja {

NameId Names::id(std::string_view name) {
  const auto [entry, is_new] = ids_.emplace(std::string(name), static_cast<NameId>(texts_.size()));
  if (is_new) texts_.emplace_back(name);
  return entry->second;
}

bool Names::find(std::string_view name, NameId& id) const {
  const auto entry = ids_.find(std::string(name));
  if (entry == ids_.end()) return false;
  id = entry->second;
  return true;
}

const Token& Parser::advance() {
  const Token& token = tokens_[next_];
  if (next_ + 1 < tokens_.size()) ++next_;
  return token;
}

bool Parser::at_any(Words words) const {
  return std::any_of(words.begin(), words.end(), [this](std::string_view word) { return at_word(word); });
}

bool Parser::skip_operator(std::string_view op) { return at_operator(op) && (advance(), true); }
bool Parser::skip_word(std::string_view word) { return at_word(word) && (advance(), true); }

void Parser::expect_operator(std::string_view op) {
  if (!skip_operator(op)) unexpected(fmt::format("'{}'", op));
}

void Parser::expect_word(std::string_view word) {
  if (!skip_word(word)) unexpected(fmt::format("'{}'", word));
}

void Parser::expect(TokenKind kind, const char* what) {
  if (!at(kind)) unexpected(what);
  advance();
}

std::string Parser::expect_name() {
  if (!at(TokenKind::kName)) unexpected("a name");
  return advance().text;
}

void Parser::fail(const std::string& message) const { throw Failure(message, current().position); }

void Parser::unexpected(const std::string& expected) const {
  fail(fmt::format("expected {}, got {}", expected, describe_current()));
}

std::string Parser::describe_current() const {
  switch (current().kind) {
    case TokenKind::kData:
      return "text";
    case TokenKind::kVariableBegin:
      return "'{{'";
    case TokenKind::kVariableEnd:
      return "'}}'";
    case TokenKind::kBlockBegin:
      return "'{%'";
    case TokenKind::kBlockEnd:
      return "'%}'";
    case TokenKind::kText:
      return "a string";
    case TokenKind::kInteger:
    case TokenKind::kReal:
      return "a number";
    case TokenKind::kName:
    case TokenKind::kOperator:
      return fmt::format("'{}'", current().text);
    case TokenKind::kEnd:
      break;
  }
  return "the end of the template";
}

Block Parser::parse_all() {
  Block body = parse_block_until({});
  if (!unknown_.empty()) throw unknown_.front();
  return body;
}

// Statements up to a tag that begins with one of `ends`, which becomes the current token. Without ends: up to the end
// of the template.
Block Parser::parse_block_until(Words ends) {
  const Nesting nesting(*this);
  Block block;
  while (!at(TokenKind::kEnd)) {
    const Position position = current().position;
    if (at(TokenKind::kData)) {
      block.push_back(std::make_unique<PlainText>(position, advance().text));
    } else if (at(TokenKind::kVariableBegin)) {
      advance();
      block.push_back(std::make_unique<Output>(position, parse_tuple(true, {})));
      expect(TokenKind::kVariableEnd, "'}}'");
    } else {
      advance();  // nothing but a block can begin here
      if (at_any(ends)) return block;
      block.push_back(parse_statement());
      expect(TokenKind::kBlockEnd, "'%}'");
    }
  }
  if (ends.size() > 0) unexpected(fmt::format("'{{% {} %}}'", fmt::join(ends, " %}' or '{% ")));
  return block;
}

Block Parser::parse_body(Words ends) {
  skip_operator(":");  // as in Python; Jinja2 allows it
  expect(TokenKind::kBlockEnd, "'%}'");
  return parse_block_until(ends);
}

std::unique_ptr<const Statement> Parser::parse_statement() {
  using Parse = std::unique_ptr<const Statement> (Parser::*)();
  static constexpr std::pair<std::string_view, Parse> kStatements[] = {
      {"if", &Parser::parse_if},
      {"for", &Parser::parse_for},
      {"set", &Parser::parse_set},
      {"macro", &Parser::parse_macro},
      {"call", &Parser::parse_call_block},
      {"filter", &Parser::parse_filter_block},
      {"with", &Parser::parse_with},
      {"generation", &Parser::parse_generation},
      {"block", &Parser::parse_named_block},
      {"autoescape", &Parser::parse_autoescape},
      {"break", &Parser::parse_loop_control},
      {"continue", &Parser::parse_loop_control},
      {"print", &Parser::parse_print},
      {"do", &Parser::parse_print},
      {"include", &Parser::parse_unavailable},
      {"import", &Parser::parse_unavailable},
      {"from", &Parser::parse_unavailable},
      {"extends", &Parser::parse_unavailable},
  };
  if (!at(TokenKind::kName)) unexpected("the name of a tag");
  for (const auto& [name, parse] : kStatements) {
    if (at_word(name)) return (this->*parse)();
  }
  fail(fmt::format("unknown tag '{}'", current().text));
}

std::unique_ptr<const Statement> Parser::parse_if() {
  const Restore soft(unknown_may_wait_, true);
  auto node = std::make_unique<If>(current().position);
  while (true) {
    advance();  // if, elif
    ExpressionPtr condition = parse_tuple(false, {});
    Block body = parse_body({"elif", "else", "endif"});
    node->branches.emplace_back(std::move(condition), std::move(body));
    if (!at_word("elif")) break;
  }
  if (advance().text == "else") {
    node->otherwise = parse_body({"endif"});
    advance();
  }
  return node;
}

std::unique_ptr<const Statement> Parser::parse_for() {
  auto node = std::make_unique<For>(advance().position);
  {
    const Restore loops(loops_, loops_ + 1);  // "loop" cannot be a target either
    node->target = parse_target(false, {"in"});
  }
  expect_word("in");
  node->iterable = parse_tuple(false, {"recursive"});
  node->loop_name = names_.id("loop");
  const Restore hard(unknown_may_wait_, false);
  if (skip_word("if")) node->filter = parse_expression();
  node->recursive = skip_word("recursive");
  {
    const Restore loops(loops_, loops_ + 1);
    node->body = parse_body({"endfor", "else"});
  }
  if (advance().text == "else") {
    node->otherwise = parse_body({"endfor"});
    advance();
  }
  return node;
}

std::unique_ptr<const Statement> Parser::parse_set() {
  const Position position = advance().position;
  Target target = parse_target(true, {});
  if (skip_operator("=")) {
    auto node = std::make_unique<Set>(position);
    node->target = std::move(target);
    node->value = parse_tuple(true, {});
    return node;
  }
  auto node = std::make_unique<SetBlock>(position);
  node->target = std::move(target);
  const Restore hard(unknown_may_wait_, false);
  if (at_operator("|")) node->filters = parse_filter_chain(true);
  node->body = parse_body({"endset"});
  advance();
  return node;
}

void Parser::parse_parameters(Signature& signature) {
  expect_operator("(");
  while (!at_operator(")")) {
    if (!signature.parameters.empty()) expect_operator(",");
    const std::string name = expect_name();
    for (const auto& [id, other] : signature.parameters) {
      if (other == name) fail(fmt::format("parameter '{}' appears twice", name));
    }
    signature.parameters.emplace_back(names_.id(name), name);
    if (skip_operator("=")) {
      signature.defaults.push_back(parse_expression());
    } else if (!signature.defaults.empty()) {
      fail("a parameter without a default follows one with a default");
    }
  }
  expect_operator(")");
}

// The body of a macro or call block; what it mentions decides which special parameters it receives.
void Parser::parse_signature_body(Signature& signature, std::string_view end) {
  const Restore loops(loops_, 0);
  signature.caller = names_.id("caller");
  signature.kwargs = names_.id("kwargs");
  signature.varargs = names_.id("varargs");
  signatures_.push_back(&signature);
  signature.body = parse_body({end});
  signatures_.pop_back();
  advance();
  size_t index = 0;
  const size_t n_plain = signature.parameters.size() - signature.defaults.size();
  for (const auto& [id, name] : signature.parameters) {
    if (name == "caller" && signature.uses_caller && index < n_plain) {
      fail("the parameter 'caller' must be omitted or have a default");
    }
    if (name == "caller") signature.uses_caller = false;
    if (name == "kwargs") signature.uses_kwargs = false;
    if (name == "varargs") signature.uses_varargs = false;
    ++index;
  }
}

std::unique_ptr<const Statement> Parser::parse_macro() {
  auto node = std::make_unique<MacroDefinition>(advance().position);
  const Restore hard(unknown_may_wait_, false);
  node->signature.name = expect_name();
  node->name = names_.id(node->signature.name);
  parse_parameters(node->signature);
  parse_signature_body(node->signature, "endmacro");
  return node;
}

std::unique_ptr<const Statement> Parser::parse_call_block() {
  auto node = std::make_unique<CallBlock>(advance().position);
  node->signature.name = "caller";
  if (at_operator("(")) {
    const Restore hard(unknown_may_wait_, false);
    parse_parameters(node->signature);
  }
  node->call = parse_expression();
  if (dynamic_cast<const Call*>(node->call.get()) == nullptr) fail("expected a call");
  const Restore hard(unknown_may_wait_, false);
  parse_signature_body(node->signature, "endcall");
  return node;
}

std::unique_ptr<const Statement> Parser::parse_filter_block() {
  auto node = std::make_unique<FilterBlock>(advance().position);
  const Restore hard(unknown_may_wait_, false);
  node->filters = parse_filter_chain(false);
  node->body = parse_body({"endfilter"});
  advance();
  return node;
}

std::unique_ptr<const Statement> Parser::parse_with() {
  auto node = std::make_unique<With>(advance().position);
  while (!at(TokenKind::kBlockEnd)) {
    if (!node->assignments.empty()) expect_operator(",");
    Target target = parse_target(false, {});
    expect_operator("=");
    node->assignments.emplace_back(std::move(target), parse_expression());
  }
  const Restore hard(unknown_may_wait_, false);
  node->body = parse_body({"endwith"});
  advance();
  return node;
}

std::unique_ptr<const Statement> Parser::parse_generation() {
  auto node = std::make_unique<Generation>(advance().position);
  const Restore hard(unknown_may_wait_, false);
  const Restore loops(loops_, 0);
  node->body = parse_body({"endgeneration"});
  advance();
  return node;
}

std::unique_ptr<const Statement> Parser::parse_named_block() {
  auto node = std::make_unique<ScopedBlock>(advance().position);
  const std::string name = expect_name();
  node->from_root = !skip_word("scoped");
  if (skip_word("required")) fail("a required block needs a child template, which a chat template has not");
  const Restore hard(unknown_may_wait_, false);
  const Restore loops(loops_, 0);
  node->body = parse_body({"endblock"});
  advance();
  skip_word(name);
  return node;
}

std::unique_ptr<const Statement> Parser::parse_autoescape() {
  auto node = std::make_unique<ScopedBlock>(advance().position);
  parse_expression();  // output is never escaped by itself
  const Restore hard(unknown_may_wait_, false);
  node->body = parse_body({"endautoescape"});
  advance();
  return node;
}

std::unique_ptr<const Statement> Parser::parse_loop_control() {
  if (loops_ == 0) fail(fmt::format("'{}' outside of a loop", current().text));
  const Token& token = advance();
  return std::make_unique<LoopControl>(token.position, token.text == "break" ? Flow::kBreak : Flow::kContinue);
}

std::unique_ptr<const Statement> Parser::parse_print() {
  const Token& token = advance();
  if (token.text == "print") return std::make_unique<Output>(token.position, parse_expression());
  return std::make_unique<Evaluation>(token.position, parse_tuple(true, {}));
}

std::unique_ptr<const Statement> Parser::parse_unavailable() {
  const Token& token = advance();
  while (!at(TokenKind::kBlockEnd) && !at(TokenKind::kEnd)) advance();
  return std::make_unique<Unavailable>(token.position, token.text);
}

Target Parser::parse_target_part(bool allow_namespace) {
  const Nesting nesting(*this);
  Target target;
  target.position = current().position;
  if (skip_operator("(")) {
    target = parse_target(allow_namespace, {});
    expect_operator(")");
    return target;
  }
  const std::string name = expect_name();
  static constexpr std::string_view kReserved[] = {"true", "false", "none", "True", "False", "None"};
  if (std::find(std::begin(kReserved), std::end(kReserved), name) != std::end(kReserved)) {
    throw Failure(fmt::format("cannot assign to '{}'", name), target.position);
  }
  if (name == "loop" && loops_ > 0) throw Failure("cannot assign to the special variable 'loop'", target.position);
  target.name = names_.id(name);
  if (allow_namespace && skip_operator(".")) target.attribute = expect_name();
  return target;
}

// A target, or several with commas between them.
Target Parser::parse_target(bool allow_namespace, Words ends) {
  Target tuple;
  tuple.position = current().position;
  while (!at_tuple_end(ends)) {
    tuple.parts.push_back(parse_target_part(allow_namespace));
    if (!skip_operator(",")) break;
    tuple.is_tuple = true;
  }
  if (tuple.parts.empty()) unexpected("a name");
  if (!tuple.is_tuple) {
    Target single = std::move(tuple.parts[0]);
    return single;
  }
  return tuple;
}

ParsedTemplate parse_template(std::string_view source) {
  ParsedTemplate result;
  result.body = Parser(tokenize(source), result.names).parse_all();
  return result;
}

}  // namespace ondol::jinja
