// Dialect: how a family of models writes an answer, as plain data and a CallSyntax. dialects.cpp lists them all;
// docs/add-a-chat-format.md says how to add one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/chat_format.h"
#include "text/chat_format/text_feed.h"

namespace ondol::chat_format {

/// Writes the deltas of calls.
class CallWriter {
 public:
  explicit CallWriter(std::vector<AnswerDelta>& deltas) : deltas_(&deltas) {}

  void begin(std::string name, std::string id = {});
  void arguments(std::string_view piece);
  /// A call without arguments gets {}. `id`: where it comes only now.
  void end(std::string id = {});
  /// The text ended within the call: its JSON stays as it is.
  void cut_off();
  bool is_open() const { return is_open_; }
  int count() const { return count_; }

 private:
  std::vector<AnswerDelta>* deltas_;
  int count_ = 0;
  bool is_open_ = false;
  bool has_arguments_ = false;
};

/// Reads a block of calls, from its opener (which is still in the feed) to its end.
class CallReader {
 public:
  enum class Step { kAgain, kNeedText, kDone, kNoCall };

  virtual ~CallReader() = default;
  /// Takes some text. kNeedText: more has to come (when none will, the block was cut off). kNoCall: this is not a call,
  /// which is only answered as long as the block has not begun one; the text so far becomes content.
  virtual Step step(TextFeed& feed, CallWriter& calls) = 0;
};

/// What the grammar of a demand is put together from.
struct CallGrammar {
  GrammarBuilder& builder;
  std::vector<const ToolDefinition*> tools;  // that may be called
  bool parallel = true;
};

/// How calls are written: to read them, and to hold a model to them.
class CallSyntax {
 public:
  virtual ~CallSyntax() = default;

  /// Markers of which each begins a block of calls.
  virtual std::vector<std::string> openers(const AnswerDemand& demand) const = 0;
  /// Whether a block begins here, where content could begin, too; for calls without a marker.
  virtual Match opens_content(std::string_view, const AnswerDemand&, bool /*is_final*/) const { return Match::kNo; }
  virtual std::unique_ptr<CallReader> reader(const AnswerDemand& demand) const = 0;
  /// A whole block as the templates write it; it begins with one of the openers. Errors name tool and keyword.
  virtual Result<GrammarBuilder::Part> grammar(CallGrammar& context) const = 0;
};

/// How reasoning is marked. Space around markers belongs to nobody.
struct Reasoning {
  std::string open;
  std::string close;
  std::string after_close = "";  // between `close` and the content
  bool anywhere = false;         // may come after content, too
  bool calls_within = false;     // a call's opener ends it
};

struct Dialect {
  std::string_view name;
  bool (*recognises)(std::string_view source);
  Reasoning reasoning;              // without `open`: found from the template
  std::vector<std::string> silent;  // markers without meaning, left out of the content
  std::string answer_open;          // only at the content's beginning; after it, answer_close is silent
  std::string answer_close;
  std::shared_ptr<const CallSyntax> calls;
};

/// A piece of markup as a part of a grammar: <...> and [WORD] in it are special tokens where the vocabulary has them.
GrammarBuilder::Part markup(GrammarBuilder& builder, std::string_view text);
/// How schemas of tools are held to: white space, endless numbers and names that nobody asked for are where small
/// models lose their way, so there are none.
JsonSchemaOptions tool_schema_options(bool compact = true);
/// The arguments of a tool as JSON, with the error of a refused schema naming the tool.
Result<GrammarBuilder::Part> json_arguments(CallGrammar& context, const ToolDefinition& tool,
                                            JsonSchemaOptions options = tool_schema_options());
/// Up to two spaces or line breaks.
GrammarBuilder::Part some_space(GrammarBuilder& builder);

/// Whether `text` can be the name of a tool.
bool is_tool_name(std::string_view text);

const std::vector<Dialect>& dialects();
/// The dialect of templates in which nothing is recognised.
const Dialect& generic_dialect();

}  // namespace ondol::chat_format
