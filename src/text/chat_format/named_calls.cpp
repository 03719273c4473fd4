#include "text/chat_format/named_calls.h"

#include "text/chat_format/arguments.h"

namespace ondol::chat_format {
namespace {

using Step = CallReader::Step;

constexpr size_t kLongestHeader = 512;

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(skip_space(text));
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

class NamedCallReader : public CallReader {
 public:
  explicit NamedCallReader(const NamedCallStyle& style) : style_(style), header_ends_(with_brace(style)) {}

  Step step(TextFeed& feed, CallWriter& calls) override {
    switch (state_) {
      case State::kBegin:
        return begin(feed);
      case State::kCall:
        return call(feed);
      case State::kHeader:
        return header(feed, calls);
      case State::kFence:
        return fence(feed, calls);
      case State::kArguments:
        return arguments(feed, calls);
      case State::kEnd:
        return end(feed);
    }
    return Step::kDone;
  }

 private:
  enum class State { kBegin, kCall, kHeader, kFence, kArguments, kEnd };

  static std::vector<std::string> with_brace(const NamedCallStyle& style) {
    std::vector<std::string> ends = style.header_ends;
    if (style.brace_ends_header) ends.emplace_back("{");
    return ends;
  }

  Step go(State state) {
    state_ = state;
    return Step::kAgain;
  }

  Step begin(TextFeed& feed) {
    if (!style_.block_begin.empty() && feed.take_prefix(style_.block_begin) == Match::kNeedText) return Step::kNeedText;
    if (!style_.in_prompt) return go(State::kCall);
    return feed.take_prefix(style_.call_begin) == Match::kNeedText ? Step::kNeedText : go(State::kHeader);
  }

  // Before a call or the end of the block.
  Step call(TextFeed& feed) {
    if (!feed.take_space()) return Step::kNeedText;
    const Match begin = feed.take_prefix(style_.call_begin);
    if (begin == Match::kYes) return go(State::kHeader);
    const Match end = style_.block_end.empty() ? Match::kNo : feed.take_prefix(style_.block_end);
    if (end == Match::kYes) return Step::kDone;
    if (begin == Match::kNeedText || end == Match::kNeedText) return Step::kNeedText;
    return began_any_ ? Step::kDone : Step::kNoCall;
  }

  Step header(TextFeed& feed, CallWriter& calls) {
    const auto found = feed.take_before(header_ends_, header_);
    if (found.marker < 0 && header_.size() < kLongestHeader) return Step::kNeedText;
    if (found.marker >= 0 && header_ends_.markers()[static_cast<size_t>(found.marker)] != "{") feed.take(found.length);
    const std::string_view text = trimmed(header_);
    if (!style_.content_header.empty() && text == style_.content_header) return Step::kDone;
    std::string name(text);
    std::string id;
    if (style_.split != nullptr) style_.split(text, name, id);
    header_.clear();
    if (found.marker < 0 || !is_tool_name(name)) return began_any_ ? Step::kDone : Step::kNoCall;
    calls.begin(std::move(name), std::move(id));
    began_any_ = true;
    arguments_ = ArgumentsValue(style_.arguments);
    return go(State::kFence);
  }

  // Before the arguments, which may be missing.
  Step fence(TextFeed& feed, CallWriter& calls) {
    if (!feed.take_space()) return Step::kNeedText;
    const char c = feed.rest()[0];
    if (c == '{' || c == '"') return go(State::kArguments);
    for (const std::string_view opener : {"```json", "```"}) {
      const Match match = feed.take_prefix(opener);
      if (match == Match::kYes) return Step::kAgain;
      if (match == Match::kNeedText) return Step::kNeedText;
    }
    calls.end();
    return go(State::kEnd);
  }

  Step arguments(TextFeed& feed, CallWriter& calls) {
    std::string piece;
    feed.take(arguments_.push(feed.rest(), feed.is_final(), piece));
    calls.arguments(piece);
    if (!arguments_.is_done()) return Step::kNeedText;
    calls.end();
    return go(State::kEnd);
  }

  Step end(TextFeed& feed) {
    if (style_.call_end.empty()) return go(State::kCall);
    if (!feed.take_space()) return Step::kNeedText;
    while (!feed.rest().empty() && (feed.rest()[0] == '}' || feed.rest()[0] == '`')) feed.take(1);
    if (feed.rest().empty()) return Step::kNeedText;
    if (is_space(feed.rest()[0])) return Step::kAgain;
    if (feed.take_prefix(style_.call_end) == Match::kNeedText) return Step::kNeedText;
    return go(State::kCall);
  }

  const NamedCallStyle& style_;
  MarkerSet header_ends_;
  State state_ = State::kBegin;
  std::string header_;
  bool began_any_ = false;
  ArgumentsValue arguments_;
};

class NamedCalls : public CallSyntax {
 public:
  explicit NamedCalls(NamedCallStyle style) : style_(std::move(style)) {}

  std::vector<std::string> openers(const AnswerDemand& demand) const override {
    if (style_.in_prompt) {  // the marker alone is too common a text
      std::vector<std::string> headers;
      for (const ToolDefinition& tool : demand.tools) {
        headers.push_back(style_.call_begin + tool.name + style_.header_ends.front());
      }
      return headers;
    }
    if (style_.block_begin.empty()) return {style_.call_begin};
    return {style_.block_begin, style_.call_begin};
  }

  Match opens_content(std::string_view text, const AnswerDemand& demand, bool is_final) const override {
    if (!style_.in_prompt) return Match::kNo;
    Match best = Match::kNo;
    for (const ToolDefinition& tool : demand.tools) {
      const Match match = match_prefix(text, tool.name + style_.header_ends.front(), is_final);
      if (match == Match::kYes) return match;
      if (match == Match::kNeedText) best = match;
    }
    return best;
  }

  std::unique_ptr<CallReader> reader(const AnswerDemand&) const override {
    return std::make_unique<NamedCallReader>(style_);
  }

  Result<GrammarBuilder::Part> grammar(CallGrammar& context) const override;

 private:
  NamedCallStyle style_;
};

Result<GrammarBuilder::Part> NamedCalls::grammar(CallGrammar& context) const {
  GrammarBuilder& builder = context.builder;
  std::vector<GrammarBuilder::Part> choices;
  for (const ToolDefinition* tool : context.tools) {
    std::vector<GrammarBuilder::Part> parts = {markup(builder, style_.header_before), builder.literal(tool->name)};
    if (!style_.header_number.empty()) {
      parts.push_back(builder.literal(style_.header_number));
      parts.push_back(ONDOL_TRY(builder.regex("[0-9]{1,4}")));
    }
    if (!style_.header_id.empty()) {
      const auto id = ONDOL_TRY(builder.regex("[a-zA-Z0-9]{1,32}"));
      parts.push_back(builder.optional(builder.sequence({markup(builder, style_.header_id), id})));
    }
    if (!style_.header_ends.empty()) parts.push_back(markup(builder, style_.header_ends.front()));
    if (style_.fence) parts.push_back(builder.literal("```json\n"));
    parts.push_back(ONDOL_TRY(style_.write_arguments != nullptr ? style_.write_arguments(context, *tool)
                                                                : json_arguments(context, *tool)));
    if (style_.fence) parts.push_back(builder.literal("\n```"));
    choices.push_back(builder.sequence(std::move(parts)));
  }
  const auto begin = markup(builder, style_.call_begin);
  const auto space = some_space(builder);
  const auto call = builder.choice(std::move(choices));
  const auto rest = style_.call_end.empty() ? call : builder.sequence({call, space, markup(builder, style_.call_end)});
  const auto first = builder.sequence({style_.in_prompt ? builder.optional(begin) : begin, rest});
  const auto more = builder.sequence({space, begin, rest});
  const auto calls = builder.sequence({first, builder.repeat(more, 0, context.parallel ? -1 : 0)});
  if (style_.block_begin.empty()) return calls;
  return builder.sequence(
      {markup(builder, style_.block_begin), space, calls, space, markup(builder, style_.block_end)});
}

}  // namespace

std::shared_ptr<const CallSyntax> named_calls(NamedCallStyle style) {
  return std::make_shared<NamedCalls>(std::move(style));
}

}  // namespace ondol::chat_format
