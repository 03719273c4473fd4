// Lexer: template source to tokens, with Jinja2's whitespace rules: trim_blocks and lstrip_blocks are on,
// keep_trailing_newline is off, line statements do not exist.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/value.h"

namespace ondol::jinja {

enum class TokenKind : uint8_t {
  kData,  ///< text between tags
  kVariableBegin,
  kVariableEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kText,
  kInteger,
  kReal,
  kOperator,  ///< text is the operator itself
  kEnd
};

struct Token {
  TokenKind kind;
  Position position;
  std::string text;  ///< data, name, operator, or the value of a string literal
  Value value;       ///< of a number
};

/// The tokens of a template, ending in kEnd. Throws Failure with a position.
std::vector<Token> tokenize(std::string_view source);

}  // namespace ondol::jinja
