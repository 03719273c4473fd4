#include "text/chat_format/json_calls.h"

#include <algorithm>

#include "text/chat_format/arguments.h"

namespace ondol::chat_format {
namespace {

using Step = CallReader::Step;

bool is_one_of(std::string_view key, std::initializer_list<std::string_view> keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

class JsonCallReader : public CallReader {
 public:
  explicit JsonCallReader(const JsonCallStyle& style) : style_(style) {}

  Step step(TextFeed& feed, CallWriter& calls) override {
    switch (state_) {
      case State::kBegin:
        return begin(feed);
      case State::kItem:
        return item(feed);
      case State::kKey:
        return key(feed, calls);
      case State::kValue:
        return value(feed, calls);
      case State::kArguments:
        return arguments(feed, calls);
      case State::kEnd:
        return end(feed);
    }
    return Step::kDone;
  }

 private:
  enum class State { kBegin, kItem, kKey, kValue, kArguments, kEnd };

  Step begin(TextFeed& feed);
  Step item(TextFeed& feed);
  Step key(TextFeed& feed, CallWriter& calls);
  Step value(TextFeed& feed, CallWriter& calls);
  Step arguments(TextFeed& feed, CallWriter& calls);
  Step end(TextFeed& feed);
  Step begin_value(CallWriter& calls);
  Step object_ended(CallWriter& calls);
  Step give_up(CallWriter& calls);
  void name_known(CallWriter& calls);
  void start_text() {
    text_ = LooseJson();
    text_json_.clear();
  }
  Step go(State state) {
    state_ = state;
    return Step::kAgain;
  }

  const JsonCallStyle& style_;
  State state_ = State::kBegin;
  bool in_list_ = false;
  bool began_any_ = false;
  int depth_ = 0;   // of objects around the members: 2 within {"function": {
  LooseJson text_;  // a key, or a value that is not streamed
  std::string text_json_;
  bool key_is_open_ = false;
  bool has_key_ = false;
  bool has_arguments_ = false;
  bool value_began_ = false;
  std::string key_;
  std::string name_;
  std::string id_;
  std::string early_;  // arguments that came before the name
  ArgumentsValue arguments_;
};

Step JsonCallReader::begin(TextFeed& feed) {
  bool may_match = false;
  for (const std::string& marker : style_.begins) {
    const Match match = feed.take_prefix(marker);
    if (match == Match::kYes) return go(State::kItem);
    may_match = may_match || match == Match::kNeedText;
  }
  return may_match ? Step::kNeedText : go(State::kItem);
}

// Before an object, its list, or what closes them.
Step JsonCallReader::item(TextFeed& feed) {
  if (!feed.take_space()) return Step::kNeedText;
  const char c = feed.rest()[0];
  if (c == '{') {
    feed.take(1);
    depth_ = 1;
    name_.clear();
    id_.clear();
    early_.clear();
    has_arguments_ = false;
    has_key_ = false;
    return go(State::kKey);
  }
  if (c == '[' && !in_list_ && !began_any_) {
    feed.take(1);
    in_list_ = true;
    return Step::kAgain;
  }
  if (c == ']' && in_list_) {
    feed.take(1);
    return go(State::kEnd);
  }
  if ((c == ',' && in_list_) || ((c == ';' || c == '}') && began_any_)) {
    feed.take(1);
    return Step::kAgain;
  }
  if (c == '`') {  // ```json
    for (const std::string_view fence : {"```json", "```"}) {
      const Match match = feed.take_prefix(fence);
      if (match == Match::kYes) return Step::kAgain;
      if (match == Match::kNeedText) return Step::kNeedText;
    }
  }
  if (began_any_) return go(State::kEnd);
  return Step::kNoCall;
}

Step JsonCallReader::key(TextFeed& feed, CallWriter& calls) {
  if (key_is_open_) {
    feed.take(text_.push(feed.rest(), feed.is_final(), text_json_));
    if (!text_.is_done()) return Step::kNeedText;
    key_is_open_ = false;
    has_key_ = true;
    const auto parsed = parse_json(text_json_);
    key_ = parsed && parsed->is_string() ? std::string(parsed->get_string()) : text_json_;
    return Step::kAgain;
  }
  if (!feed.take_space()) return Step::kNeedText;
  const char c = feed.rest()[0];
  if (c == ':' && has_key_) {
    feed.take(1);
    return begin_value(calls);
  }
  if (c == '}') {
    feed.take(1);
    return object_ended(calls);
  }
  if (c == ',' || c == ':') {
    feed.take(1);
    return Step::kAgain;
  }
  if (c == '{' || c == '[' || c == ']') return began_any_ || calls.is_open() ? give_up(calls) : Step::kNoCall;
  start_text();
  key_is_open_ = true;
  return Step::kAgain;
}

Step JsonCallReader::begin_value(CallWriter& calls) {
  has_key_ = false;
  start_text();
  value_began_ = false;
  if (style_.name_is_key) {
    if (!is_tool_name(key_)) return began_any_ ? give_up(calls) : Step::kNoCall;
    name_ = key_;
    name_known(calls);
  } else if (has_arguments_ || !is_one_of(key_, {style_.arguments_key, "arguments", "parameters", "args"})) {
    return go(State::kValue);
  }
  has_arguments_ = true;
  arguments_ = ArgumentsValue();
  return go(State::kArguments);
}

Step JsonCallReader::value(TextFeed& feed, CallWriter& calls) {
  if (!value_began_) {
    if (!feed.take_space()) return Step::kNeedText;
    value_began_ = true;
    if (key_ == "function" && depth_ == 1 && feed.rest()[0] == '{') {
      feed.take(1);
      depth_ = 2;
      return go(State::kKey);
    }
  }
  feed.take(text_.push(feed.rest(), feed.is_final(), text_json_));
  if (!text_.is_done()) return Step::kNeedText;
  state_ = State::kKey;
  const auto parsed = parse_json(text_json_);
  if (!parsed || !parsed->is_string()) return Step::kAgain;
  const std::string_view text = parsed->get_string();
  if (is_one_of(key_, {style_.name_key, "name", "tool_name", "function"}) && name_.empty() && is_tool_name(text)) {
    name_ = text;
    name_known(calls);
  } else if (!style_.id_after.empty() && key_ == style_.id_after) {
    id_ = text;
  }
  return Step::kAgain;
}

void JsonCallReader::name_known(CallWriter& calls) {
  calls.begin(name_, id_);
  began_any_ = true;
  if (!early_.empty()) calls.arguments(early_);
  early_.clear();
}

Step JsonCallReader::arguments(TextFeed& feed, CallWriter& calls) {
  std::string piece;
  feed.take(arguments_.push(feed.rest(), feed.is_final(), piece));
  if (calls.is_open()) {
    calls.arguments(piece);
  } else {
    early_ += piece;
  }
  return arguments_.is_done() ? go(State::kKey) : Step::kNeedText;
}

Step JsonCallReader::object_ended(CallWriter& calls) {
  if (depth_ == 2) {
    depth_ = 1;
    return Step::kAgain;
  }
  if (!calls.is_open()) return began_any_ ? go(State::kItem) : Step::kNoCall;
  calls.end(id_);
  return go(State::kItem);
}

// What follows is no JSON of calls any more.
Step JsonCallReader::give_up(CallWriter& calls) {
  if (calls.is_open()) calls.end(id_);
  return go(State::kEnd);
}

Step JsonCallReader::end(TextFeed& feed) {
  if (style_.ends.empty()) return Step::kDone;
  if (!feed.take_space()) return Step::kNeedText;
  while (!feed.rest().empty() && std::string_view("}]`").find(feed.rest()[0]) != std::string_view::npos) feed.take(1);
  if (feed.rest().empty()) return Step::kNeedText;
  if (is_space(feed.rest()[0])) return Step::kAgain;
  for (const std::string& marker : style_.ends) {
    const Match match = feed.take_prefix(marker);
    if (match == Match::kNeedText) return Step::kNeedText;
    if (match == Match::kYes) break;
  }
  return Step::kDone;
}

class JsonCalls : public CallSyntax {
 public:
  explicit JsonCalls(JsonCallStyle style) : style_(std::move(style)) {}

  std::vector<std::string> openers(const AnswerDemand&) const override { return style_.begins; }

  // A call without a marker is one when it names a tool that there is.
  Match opens_content(std::string_view text, const AnswerDemand& demand, bool is_final) const override {
    if (!style_.bare || text.empty() || (text[0] != '{' && text[0] != '[')) return Match::kNo;
    const Match beginning = may_begin(text, is_final);
    if (beginning != Match::kYes) return beginning;
    constexpr size_t kLongestBeginning = 1024;
    TextFeed feed;
    feed.append(text.substr(0, kLongestBeginning));
    if (is_final) feed.close();
    std::vector<AnswerDelta> deltas;
    CallWriter calls(deltas);
    JsonCallReader reader(style_);
    while (deltas.empty()) {
      const Step step = reader.step(feed, calls);
      if (step == Step::kAgain) continue;
      if (deltas.empty()) {
        const bool waits = step == Step::kNeedText && !is_final && text.size() < kLongestBeginning;
        return waits ? Match::kNeedText : Match::kNo;
      }
    }
    return find_tool(demand, deltas.front().text) != nullptr ? Match::kYes : Match::kNo;
  }

  // Whether the first key is one that calls begin with.
  Match may_begin(std::string_view text, bool is_final) const {
    size_t at = skip_space(text.substr(1)) + 1;
    if (text[0] == '[' && at < text.size() && text[at] == '{') at += skip_space(text.substr(at + 1)) + 1;
    text.remove_prefix(std::min(at, text.size()));
    bool may_match = false;
    for (const std::string& key : {style_.name_key, std::string("type"), std::string("function"), std::string("id")}) {
      const Match match = match_prefix(text, "\"" + key + "\"", is_final);
      if (match == Match::kYes) return match;
      may_match = may_match || match == Match::kNeedText;
    }
    return may_match ? Match::kNeedText : Match::kNo;
  }

  std::unique_ptr<CallReader> reader(const AnswerDemand&) const override {
    return std::make_unique<JsonCallReader>(style_);
  }

  Result<GrammarBuilder::Part> grammar(CallGrammar& context) const override;

 private:
  Result<GrammarBuilder::Part> object(CallGrammar& context, const ToolDefinition& tool) const;

  JsonCallStyle style_;
};

Result<GrammarBuilder::Part> JsonCalls::object(CallGrammar& context, const ToolDefinition& tool) const {
  GrammarBuilder& builder = context.builder;
  const auto arguments = ONDOL_TRY(json_arguments(context, tool, tool_schema_options(!style_.indented)));
  const auto space = ONDOL_TRY(builder.regex(style_.indented ? "[ \n]{0,20}" : " ?"));
  const auto key = [&](std::string_view name) { return builder.literal(json_string(name) + ":"); };
  std::vector<GrammarBuilder::Part> parts = {builder.literal("{"), space};
  if (style_.name_is_key) {
    parts.insert(parts.end(), {key(tool.name), space, arguments});
  } else {
    if (!style_.id_before.empty()) {
      parts.insert(parts.end(), {key(style_.id_before), space, ONDOL_TRY(builder.regex("\"[0-9]{1,4}\"")),
                                 builder.literal(","), space});
    }
    parts.insert(parts.end(), {key(style_.name_key), space, builder.literal(json_string(tool.name)),
                               builder.literal(","), space, key(style_.arguments_key), space, arguments});
    if (!style_.id_after.empty()) {
      parts.push_back(builder.optional(builder.sequence({builder.literal(","), space, key(style_.id_after), space,
                                                         ONDOL_TRY(builder.regex("\"[a-zA-Z0-9]{1,32}\""))})));
    }
  }
  parts.insert(parts.end(), {space, builder.literal("}")});
  return builder.sequence(std::move(parts));
}

Result<GrammarBuilder::Part> JsonCalls::grammar(CallGrammar& context) const {
  GrammarBuilder& builder = context.builder;
  std::vector<GrammarBuilder::Part> objects;
  for (const ToolDefinition* tool : context.tools) objects.push_back(ONDOL_TRY(object(context, *tool)));
  auto calls = builder.choice(std::move(objects));
  const auto space = ONDOL_TRY(builder.regex("[ \n]{0,20}"));
  if (style_.list) {
    auto more = builder.sequence({builder.literal(","), space, calls});
    calls = builder.sequence({builder.literal("["), space, calls, builder.repeat(more, 0, context.parallel ? -1 : 0),
                              space, builder.literal("]")});
  }
  std::vector<GrammarBuilder::Part> parts;
  if (!style_.begins.empty()) {
    auto begin = markup(builder, style_.begins.front());
    parts.push_back(style_.bare ? builder.optional(begin) : begin);
    parts.push_back(space);
  }
  parts.push_back(calls);
  if (!style_.ends.empty()) {
    parts.push_back(space);
    parts.push_back(markup(builder, style_.ends.front()));
  }
  return builder.sequence(std::move(parts));
}

}  // namespace

std::shared_ptr<const CallSyntax> json_calls(JsonCallStyle style) {
  return std::make_shared<JsonCalls>(std::move(style));
}

}  // namespace ondol::chat_format
