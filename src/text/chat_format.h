// ChatFormat: how a family of models writes reasoning and tool calls, found from its chat template; what a request
// demands of the answer as a grammar; and the answer taken apart again while it streams.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "text/grammar/grammar.h"

namespace ondol {

struct ToolDefinition {
  std::string name;
  std::string description;
  json::value parameters;  // a JSON Schema; null: any object
  bool strict = false;
};

enum class ToolChoice { kAuto, kNone, kRequired, kNamed };

/// What a request demands of an answer.
struct AnswerDemand {
  std::vector<ToolDefinition> tools;
  ToolChoice tool_choice = ToolChoice::kAuto;
  std::string tool_name;       // of kNamed
  bool parallel_calls = true;  // more than one call in an answer
  GrammarPtr content;          // binds the content, never the reasoning; null: free text
  bool may_reason = true;      // in a grammar; where the prompt has opened the reasoning, the answer does anyway
};

/// A piece of an answer, in the order of the text.
struct AnswerDelta {
  enum class Kind {
    kReasoning,      // text: a piece of it
    kContent,        // text: a piece of it
    kCallBegin,      // text: the tool's name
    kCallArguments,  // text: a piece of the arguments as a JSON object; the pieces of a call make valid JSON
    kCallEnd,        // after kCallEnd of a call that the end of the text cut off, its JSON stays unclosed
  };
  Kind kind = Kind::kContent;
  int call = 0;  // index of the tool call
  std::string text;
  std::string id;  // of the call, where the model writes one: in kCallBegin, or in kCallEnd where it comes last
};

/// Takes one answer apart. Deltas come as early as they are certain.
class AnswerParser {
 public:
  virtual ~AnswerParser() = default;
  /// Text as generated, special tokens written out.
  virtual std::vector<AnswerDelta> push(std::string_view text) = 0;
  /// The text has ended, perhaps in the middle of a call.
  virtual std::vector<AnswerDelta> finish() = 0;
  /// Whether what comes next is reasoning.
  virtual bool is_reasoning() const = 0;
};

class ChatFormat {
 public:
  virtual ~ChatFormat() = default;

  /// The format of a template; a plain one (no reasoning, calls as JSON between <tool_call> tags) where nothing is
  /// recognised. `source` may be empty.
  static std::shared_ptr<const ChatFormat> of_template(std::string_view source);

  /// For people and tests: "hermes", "llama-3", "mistral", ...
  virtual std::string_view name() const = 0;
  virtual bool has_tools() const = 0;      // the template renders tools
  virtual bool has_reasoning() const = 0;  // the model writes reasoning apart

  /// What closes the reasoning ("</think>\n\n", perhaps with what opens the answer), to end it when its budget is
  /// spent.
  virtual std::string_view reasoning_end() const = 0;

  /// The texts that meet the demand, after `prompt` (whose end may have opened the reasoning). Null: any text does.
  /// Tools' arguments are held to their schemas. With kAuto, text is free until a call begins.
  virtual Result<GrammarPtr> grammar(const AnswerDemand& demand, std::string_view prompt) const = 0;

  virtual std::unique_ptr<AnswerParser> parser(const AnswerDemand& demand, std::string_view prompt) const = 0;
};

}  // namespace ondol
