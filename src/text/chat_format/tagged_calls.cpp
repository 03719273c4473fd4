#include "text/chat_format/tagged_calls.h"

#include "text/chat_format/arguments.h"
#include "text/chat_format/tagged_grammar.h"

namespace ondol::chat_format {
namespace {

using Step = CallReader::Step;

constexpr size_t kLongestHeader = 1024;
constexpr std::string_view kCdataBegin = "<![CDATA[";
constexpr std::string_view kCdataEnd = "]]>";

class TaggedCallReader : public CallReader {
 public:
  TaggedCallReader(const TaggedCallStyle& style, const AnswerDemand& demand)
      : style_(style),
        demand_(demand),
        name_ends_(style.name_end.empty() ? std::vector<std::string>{"\n", style.key_begin, style.call_end}
                                          : std::vector<std::string>{style.name_end}),
        key_ends_({style.key_end}),
        structure_({style.key_begin, style.call_end, style.block_end, style.call_begin}) {}

  Step step(TextFeed& feed, CallWriter& calls) override {
    switch (state_) {
      case State::kBegin:
        return begin(feed);
      case State::kCall:
        return call(feed);
      case State::kName:
        return name(feed, calls);
      case State::kInside:
        return inside(feed, calls);
      case State::kKey:
        return key(feed);
      case State::kValueBegin:
        return value_begin(feed, calls);
      case State::kValue:
        return value(feed, calls);
    }
    return Step::kDone;
  }

 private:
  enum class State { kBegin, kCall, kName, kInside, kKey, kValueBegin, kValue };
  enum Structure { kKeyBegin, kCallEnd, kBlockEnd, kCallBegin };

  Step go(State state) {
    state_ = state;
    return Step::kAgain;
  }

  Step begin(TextFeed& feed);
  Step call(TextFeed& feed);
  Step name(TextFeed& feed, CallWriter& calls);
  Step inside(TextFeed& feed, CallWriter& calls);
  Step key(TextFeed& feed);
  Step value_begin(TextFeed& feed, CallWriter& calls);
  Step value(TextFeed& feed, CallWriter& calls);
  void end_call(CallWriter& calls);

  const TaggedCallStyle& style_;
  const AnswerDemand& demand_;
  MarkerSet name_ends_;
  MarkerSet key_ends_;
  MarkerSet structure_;
  MarkerSet value_ends_;
  State state_ = State::kBegin;
  bool began_any_ = false;
  const ToolDefinition* tool_ = nullptr;
  std::string header_;
  TaggedKey key_;
  bool has_parameters_ = false;
  std::optional<ParameterValue> value_;
};

Step TaggedCallReader::begin(TextFeed& feed) {
  if (!style_.block_begin.empty() && feed.take_prefix(style_.block_begin) == Match::kNeedText) return Step::kNeedText;
  return go(State::kCall);
}

// Before a call or the end of the block.
Step TaggedCallReader::call(TextFeed& feed) {
  if (!feed.take_space()) return Step::kNeedText;
  const Match begin = feed.take_prefix(style_.call_begin);
  if (begin == Match::kYes) return go(State::kName);
  const Match end = style_.block_end.empty() ? Match::kNo : feed.take_prefix(style_.block_end);
  if (end == Match::kYes && began_any_) return Step::kDone;
  if (begin == Match::kNeedText || end == Match::kNeedText) return Step::kNeedText;
  return began_any_ ? Step::kDone : Step::kNoCall;
}

Step TaggedCallReader::name(TextFeed& feed, CallWriter& calls) {
  const auto found = feed.take_before(name_ends_, header_);
  if (found.marker < 0 && header_.size() < kLongestHeader) return Step::kNeedText;
  if (!style_.name_end.empty() && found.marker >= 0) feed.take(found.length);
  std::string name = style_.read_name != nullptr ? style_.read_name(header_) : header_;
  while (!name.empty() && is_space(name.back())) name.pop_back();
  name.erase(0, skip_space(name));
  header_.clear();
  if (found.marker < 0 || !is_tool_name(name)) return began_any_ ? Step::kDone : Step::kNoCall;
  tool_ = find_tool(demand_, name);
  has_parameters_ = false;
  began_any_ = true;
  calls.begin(std::move(name));
  return go(State::kInside);
}

void TaggedCallReader::end_call(CallWriter& calls) {
  if (has_parameters_) calls.arguments("}");
  calls.end();
}

// Before a parameter or the call's end; what else stands here is left out.
Step TaggedCallReader::inside(TextFeed& feed, CallWriter& calls) {
  std::string unneeded;
  const auto found = feed.take_before(structure_, unneeded);
  if (found.marker < 0) return Step::kNeedText;
  feed.take(found.length);
  if (found.marker == kKeyBegin) return go(State::kKey);
  end_call(calls);
  if (found.marker == kCallBegin) return go(State::kName);
  return found.marker == kBlockEnd ? Step::kDone : go(State::kCall);
}

Step TaggedCallReader::key(TextFeed& feed) {
  const auto found = feed.take_before(key_ends_, header_);
  if (found.marker < 0 && header_.size() < kLongestHeader) return Step::kNeedText;
  if (found.marker >= 0) {
    feed.take(found.length);
    key_ = style_.read_key != nullptr ? style_.read_key(header_) : TaggedKey{header_};
  }
  header_.clear();
  return go(found.marker >= 0 ? State::kValueBegin : State::kInside);
}

Step TaggedCallReader::value_begin(TextFeed& feed, CallWriter& calls) {
  if (!style_.value_begin.empty()) {
    if (!feed.take_space()) return Step::kNeedText;
    if (feed.take_prefix(style_.value_begin) == Match::kNeedText) return Step::kNeedText;
  }
  const Match cdata = style_.cdata ? feed.take_prefix(kCdataBegin) : Match::kNo;
  if (cdata == Match::kNeedText) return Step::kNeedText;
  const json::value none;
  const json::value& schema = tool_ == nullptr ? none : tool_->parameters;
  unsigned types = key_.types;
  if (types == 0) types = schema_types(property_schema(&schema, key_.name, schema), schema);
  std::string end = style_.value_end;
  if (cdata == Match::kYes) {
    types = kStringType;
    end.insert(0, kCdataEnd);
  }
  value_ends_ = MarkerSet({end});
  value_.emplace(types, style_.value_on_own_line);
  calls.arguments((has_parameters_ ? ", " : "{") + json_string(key_.name) + ": ");
  has_parameters_ = true;
  return go(State::kValue);
}

Step TaggedCallReader::value(TextFeed& feed, CallWriter& calls) {
  std::string text;
  std::string piece;
  const auto found = feed.take_before(value_ends_, text);
  value_->push(text, piece);
  if (found.marker >= 0) {
    feed.take(found.length);
    value_->end(piece);
    state_ = State::kInside;
  }
  calls.arguments(piece);
  return found.marker >= 0 ? Step::kAgain : Step::kNeedText;
}

class TaggedCalls : public CallSyntax {
 public:
  explicit TaggedCalls(TaggedCallStyle style) : style_(std::move(style)) {}

  std::vector<std::string> openers(const AnswerDemand&) const override {
    if (style_.block_begin.empty()) return {style_.call_begin};
    return {style_.block_begin, style_.call_begin};
  }

  std::unique_ptr<CallReader> reader(const AnswerDemand& demand) const override {
    return std::make_unique<TaggedCallReader>(style_, demand);
  }

  Result<GrammarBuilder::Part> grammar(CallGrammar& context) const override { return tagged_grammar(style_, context); }

 private:
  TaggedCallStyle style_;
};

}  // namespace

std::shared_ptr<const CallSyntax> tagged_calls(TaggedCallStyle style) {
  return std::make_shared<TaggedCalls>(std::move(style));
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with(from)) {
      out += to;
      at += from.size();
    } else {
      out += text[at++];
    }
  }
  return out;
}

}  // namespace ondol::chat_format
