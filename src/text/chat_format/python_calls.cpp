#include "text/chat_format/python_calls.h"

#include "text/chat_format/arguments.h"
#include "text/chat_format/value_grammar.h"

namespace ondol::chat_format {
namespace {

using Step = CallReader::Step;

constexpr size_t kLongestName = 512;

class PythonCallReader : public CallReader {
 public:
  PythonCallReader(const PythonCallStyle& style, const AnswerDemand& demand) : style_(style), demand_(demand) {}

  Step step(TextFeed& feed, CallWriter& calls) override {
    switch (state_) {
      case State::kBegin: {
        const Match match = feed.take_prefix(style_.begin);
        return match == Match::kYes ? go(State::kCall) : match == Match::kNo ? Step::kNoCall : Step::kNeedText;
      }
      case State::kCall:
        return call(feed);
      case State::kName:
        return name(feed, calls);
      case State::kArguments:
        return arguments(feed, calls);
    }
    return Step::kDone;
  }

 private:
  enum class State { kBegin, kCall, kName, kArguments };

  Step go(State state) {
    state_ = state;
    return Step::kAgain;
  }

  // Before a call or the end.
  Step call(TextFeed& feed) {
    if (!feed.take_space()) return Step::kNeedText;
    const Match end = feed.take_prefix(style_.end);
    if (end == Match::kYes) return began_any_ ? Step::kDone : Step::kNoCall;
    if (end == Match::kNeedText) return Step::kNeedText;
    const char c = feed.rest()[0];
    if (c == '[' || c == ']' || c == ',' || c == ';') {
      feed.take(1);
      return Step::kAgain;
    }
    return go(State::kName);
  }

  Step name(TextFeed& feed, CallWriter& calls) {
    const auto found = feed.take_before(parenthesis_, name_);
    if (found.marker < 0 && name_.size() < kLongestName) return Step::kNeedText;
    feed.take(found.length);
    while (!name_.empty() && is_space(name_.back())) name_.pop_back();
    if (found.marker < 0 || !is_tool_name(name_)) return began_any_ ? Step::kDone : Step::kNoCall;
    LooseJsonOptions options;
    options.keywords = true;
    if (const ToolDefinition* tool = find_tool(demand_, name_)) {
      const json::value* schema = resolve_schema(&tool->parameters, tool->parameters);
      for (const auto& property : property_names(schema, false)) options.positional_names.push_back(property.first);
    }
    arguments_ = ArgumentsValue(std::move(options));
    began_any_ = true;
    calls.begin(std::move(name_));
    name_.clear();
    return go(State::kArguments);
  }

  Step arguments(TextFeed& feed, CallWriter& calls) {
    std::string piece;
    feed.take(arguments_.push(feed.rest(), feed.is_final(), piece));
    calls.arguments(piece);
    if (!arguments_.is_done()) return Step::kNeedText;
    calls.end();
    return go(State::kCall);
  }

  const PythonCallStyle& style_;
  const AnswerDemand& demand_;
  MarkerSet parenthesis_{{"("}};
  State state_ = State::kBegin;
  std::string name_;
  bool began_any_ = false;
  ArgumentsValue arguments_;
};

class PythonCalls : public CallSyntax {
 public:
  explicit PythonCalls(PythonCallStyle style) : style_(std::move(style)) {}

  std::vector<std::string> openers(const AnswerDemand&) const override { return {style_.begin}; }

  std::unique_ptr<CallReader> reader(const AnswerDemand& demand) const override {
    return std::make_unique<PythonCallReader>(style_, demand);
  }

  Result<GrammarBuilder::Part> grammar(CallGrammar& context) const override {
    GrammarBuilder& builder = context.builder;
    const ValueStyle style = {.true_word = "True", .false_word = "False", .null_word = "None"};
    std::vector<GrammarBuilder::Part> choices;
    for (const ToolDefinition* tool : context.tools) {
      ValueGrammar values(context, style, tool->parameters);
      auto arguments = values.members(&tool->parameters, false, "=");
      if (!arguments) return arguments.error().in("tool '" + tool->name + "'");
      choices.push_back(builder.sequence({builder.literal(tool->name + "("), *arguments, builder.literal(")")}));
    }
    const auto call = builder.choice(std::move(choices));
    const auto more = builder.sequence({builder.literal(style_.list ? ", " : "\n"), call});
    const auto calls = builder.sequence({call, builder.repeat(more, 0, context.parallel ? -1 : 0)});
    return builder.sequence({markup(builder, style_.begin), builder.literal(style_.list ? "[" : "\n"), calls,
                             builder.literal(style_.list ? "]" : "\n"), markup(builder, style_.end)});
  }

 private:
  PythonCallStyle style_;
};

}  // namespace

std::shared_ptr<const CallSyntax> python_calls(PythonCallStyle style) {
  return std::make_shared<PythonCalls>(std::move(style));
}

}  // namespace ondol::chat_format
