// Grammar: a set of texts, described by rules, that generation can be held to. Immutable and shared between threads.
//
// Grammars are over bytes. They come from GBNF, from a regular expression, from a JSON Schema, or are put together with
// GrammarBuilder (which chat formats use for tool calls). token_mask.h holds generation to one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace ondol {

class Grammar;
using GrammarPtr = std::shared_ptr<const Grammar>;

struct JsonSchemaOptions {
  /// White space between tokens is always bounded: nothing, one space, or one line break with an indentation of up to
  /// 64 spaces or tabs. Compact: nothing but one space after ':' and ','.
  bool compact = false;
  /// Objects whose schemas name properties have no others, unless one of these schemas says so with
  /// additionalProperties (or unevaluatedProperties): a model that may invent names may do so for ever. Objects of
  /// which nothing but the type is said stay free.
  bool closed = false;
  /// OpenAI's `strict`: objects without additionalProperties refuse further properties, and all properties come in the
  /// order in which the schema lists them.
  bool strict = false;
  /// Numbers as people write them: without an exponent and needless zeros, so that they come to an end. A model that is
  /// held to all of JSON's numbers may go on with zeros for ever.
  bool plain_numbers = false;
  /// Texts that strings and keys do not hold as they are, only with escapes: for JSON that stands before a marker which
  /// a reader looks for without reading JSON. None that could begin or end outside a string.
  std::vector<std::string> never = {};
};

/// GBNF with root rule `root`. Errors name line and column.
Result<GrammarPtr> grammar_from_gbnf(std::string_view text);

/// The whole text matches `pattern` (ECMA-262's syntax without look-around and back-references, which are refused by
/// name). Bounded in size.
Result<GrammarPtr> grammar_from_regex(std::string_view pattern);

/// JSON texts that are valid under `schema` (draft 2020-12 or 7, local $ref and $defs). What cannot be held to while
/// generating is refused, naming the keyword and where it stands (a JSON pointer).
Result<GrammarPtr> grammar_from_json_schema(const json::value& schema, const JsonSchemaOptions& options = {});

/// Any JSON object.
GrammarPtr grammar_of_json_objects();

/// Puts a grammar together. A Part may be used in several places. Rules may refer to themselves through forward().
class GrammarBuilder {
 public:
  struct Part {
    int id = -1;
  };
  struct State;  // text/grammar/builder_state.h

  GrammarBuilder();
  ~GrammarBuilder();

  /// These bytes. Special tokens whose text lies within are not meant; see special().
  Part literal(std::string_view bytes);
  /// A special token, such as <tool_call>, by its text: the single token where the vocabulary has one, or its
  /// characters otherwise. Special tokens are allowed nowhere else.
  Part special(std::string_view text);
  /// UTF-8 text in which none of `markers` occurs, as long as it likes, empty too. What follows it in a sequence begins
  /// with a marker, or ends the text. No markers: any text.
  Part text_before(std::vector<std::string> markers);
  Result<Part> regex(std::string_view pattern);
  /// As regex(), but none of `texts`, and nothing in which one of `markers` occurs.
  Result<Part> regex_but(std::string_view pattern, const std::vector<std::string>& texts,
                         const std::vector<std::string>& markers);
  Result<Part> json_schema(const json::value& schema, const JsonSchemaOptions& options = {});
  Part grammar(GrammarPtr other);
  Part sequence(std::vector<Part> parts);
  Part choice(std::vector<Part> parts);
  /// most < 0: without limit.
  Part repeat(Part part, int least, int most);
  Part optional(Part part) { return repeat(part, 0, 1); }
  /// A part that is defined later with define().
  Part forward();
  void define(Part forward, Part meaning);

  /// Fails when the grammar is too large, when a forward part was not defined, or when no text matches.
  Result<GrammarPtr> build(Part root);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace ondol
