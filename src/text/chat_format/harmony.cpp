#include "text/chat_format/harmony.h"

#include <algorithm>

#include "text/chat_format/answer_grammar.h"
#include "text/chat_format/answer_parser.h"
#include "text/chat_format/answer_writer.h"
#include "text/chat_format/arguments.h"

namespace ondol::chat_format {
namespace {

using Part = GrammarBuilder::Part;

constexpr std::string_view kMessage = "<|message|>";
constexpr std::string_view kAssistant = "<|start|>assistant";
constexpr size_t kLongestHeader = 1024;

const std::vector<std::string>& message_ends() {
  static const std::vector<std::string> ends = {"<|end|>", "<|return|>", "<|call|>", "<|start|>", "<|channel|>"};
  return ends;
}

class HarmonyParser : public AnswerParser {
 public:
  HarmonyParser(const AnswerDemand& demand, std::string_view prompt) : has_calls_(demands_calls(demand)) {
    // The prompt may have begun a message, or only its header.
    const size_t at = prompt.rfind(kAssistant);
    if (at == std::string_view::npos) return;
    std::string_view begun = prompt.substr(at + kAssistant.size());
    if (begun.size() > kLongestHeader || begun.find("<|end|>") != std::string_view::npos) return;
    const size_t message = begun.find(kMessage);
    header_ = begun.substr(0, message);
    if (message != std::string_view::npos) begin_message();
  }

  std::vector<AnswerDelta> push(std::string_view text) override {
    feed_.append(text);
    run();
    return writer_.take();
  }

  std::vector<AnswerDelta> finish() override {
    feed_.close();
    run();
    if (kind_ == Kind::kCall && arguments_.is_done()) end_message();
    writer_.finish(false);
    return writer_.take();
  }

  bool is_reasoning() const override { return kind_ == Kind::kReasoning; }

 private:
  enum class Kind { kHeader, kReasoning, kContent, kCall };

  void run() {
    while (kind_ == Kind::kHeader ? header() : body()) {
    }
  }

  bool header();
  bool body();
  void begin_message();
  void end_message();

  bool has_calls_;
  TextFeed feed_;
  AnswerWriter writer_;
  Kind kind_ = Kind::kHeader;
  std::string header_;
  MarkerSet header_end_{{std::string(kMessage)}};
  MarkerSet message_ends_{message_ends()};
  ArgumentsValue arguments_;
  std::string arguments_text_;  // not yet taken by arguments_
};

bool HarmonyParser::header() {
  if (header_.empty()) {
    // A model that leaves out all headers writes content.
    const std::string_view text = feed_.rest().substr(skip_space(feed_.rest()));
    if (text.empty()) return false;
    bool is_header = false;
    for (const std::string_view begin :
         {"<|start|>", "<|channel|>", "<|constrain|>", "<|message|>", "<|end|>", "<|return|>", "<|call|>", "to="}) {
      const Match match = match_prefix(text, begin, feed_.is_final());
      if (match == Match::kNeedText) return false;
      is_header = is_header || match == Match::kYes;
    }
    if (!is_header) {
      kind_ = Kind::kContent;
      return true;
    }
  }
  const auto found = feed_.take_before(header_end_, header_);
  if (found.marker < 0 && header_.size() < kLongestHeader) return false;
  feed_.take(found.length);
  if (found.marker < 0) {
    writer_.content(header_);
    header_.clear();
    kind_ = Kind::kContent;
  } else {
    begin_message();
  }
  return true;
}

// The header is complete.
void HarmonyParser::begin_message() {
  const size_t channel_at = header_.rfind("<|channel|>");
  std::string_view channel;
  if (channel_at != std::string::npos) channel = std::string_view(header_).substr(channel_at + 11);
  channel.remove_prefix(skip_space(channel));
  const size_t to = header_.find("to=");
  std::string recipient;
  if (to != std::string::npos) {
    const size_t end = std::min(header_.find_first_of(" \n\t<", to), header_.size());
    recipient = header_.substr(to + 3, end - to - 3);
    constexpr std::string_view kFunctions = "functions.";
    if (recipient.starts_with(kFunctions)) recipient.erase(0, kFunctions.size());
  }
  header_.clear();
  if (has_calls_ && is_tool_name(recipient) && recipient != "assistant") {
    kind_ = Kind::kCall;
    arguments_ = ArgumentsValue();
    arguments_text_.clear();
    writer_.calls().begin(std::move(recipient));
  } else {
    kind_ = channel.starts_with("analysis") ? Kind::kReasoning : Kind::kContent;
  }
}

bool HarmonyParser::body() {
  std::string text;
  const auto found = feed_.take_before(message_ends_, text, kind_ != Kind::kCall);
  switch (kind_) {
    case Kind::kReasoning:
      writer_.reasoning(text);
      break;
    case Kind::kContent:
      writer_.content(text);
      break;
    default: {
      std::string piece;
      arguments_text_ += text;
      arguments_text_.erase(0, arguments_.push(arguments_text_, found.marker >= 0, piece));
      if (arguments_.is_done()) arguments_text_.clear();
      writer_.calls().arguments(piece);
    }
  }
  if (found.marker < 0) return false;
  // The next header begins with its marker; the others only end the message.
  const std::string& marker = message_ends_.markers()[static_cast<size_t>(found.marker)];
  if (marker != "<|start|>" && marker != "<|channel|>") feed_.take(found.length);
  end_message();
  return true;
}

void HarmonyParser::end_message() {
  if (kind_ == Kind::kCall) {
    std::string piece;
    arguments_.close(piece);
    writer_.calls().arguments(piece);
    writer_.calls().end();
  }
  kind_ = Kind::kHeader;
}

class Harmony : public ChatFormat {
 public:
  std::string_view name() const override { return "harmony"; }
  bool has_tools() const override { return true; }
  bool has_reasoning() const override { return true; }
  std::string_view reasoning_end() const override { return "<|end|><|start|>assistant<|channel|>final<|message|>"; }

  Result<GrammarPtr> grammar(const AnswerDemand& demand, std::string_view prompt) const override;

  std::unique_ptr<AnswerParser> parser(const AnswerDemand& demand, std::string_view prompt) const override {
    return std::make_unique<HarmonyParser>(demand, prompt);
  }
};

// The grammar of answers, as messages one after another.
class HarmonyGrammar {
 public:
  explicit HarmonyGrammar(const AnswerDemand& demand) : demand_(demand) {}

  Result<GrammarPtr> build(std::string_view prompt) {
    const Part content = demand_.content != nullptr ? builder_.grammar(demand_.content) : text();
    if (prompt.ends_with("<|channel|>final<|message|>")) return builder_.build(content);
    const Part start = builder_.sequence({special("<|end|>"), special("<|start|>"), builder_.literal("assistant")});
    const Part analysis =
        builder_.sequence({special("<|channel|>"), builder_.literal("analysis"), special(kMessage), text(), start});
    std::vector<Part> parts;
    if (prompt.ends_with("<|channel|>analysis<|message|>")) parts.push_back(builder_.sequence({text(), start}));
    parts.push_back(builder_.repeat(analysis, 0, -1));
    const Part last = builder_.sequence({special("<|channel|>"), builder_.literal("final"), special(kMessage), content,
                                         builder_.optional(special("<|return|>"))});
    if (!demands_calls(demand_)) {
      parts.push_back(last);
      return builder_.build(builder_.sequence(std::move(parts)));
    }
    const Part preamble =
        builder_.sequence({special("<|channel|>"), builder_.literal("commentary"), special(kMessage), text(), start});
    const Part call = ONDOL_TRY(this->call());
    if (demand_.content == nullptr) parts.push_back(builder_.repeat(builder_.choice({preamble, analysis}), 0, -1));
    parts.push_back(demand_.tool_choice == ToolChoice::kAuto ? builder_.choice({call, last}) : call);
    return builder_.build(builder_.sequence(std::move(parts)));
  }

 private:
  Part text() { return builder_.text_before(message_ends()); }
  Part special(std::string_view text) { return builder_.special(text); }

  // One call: its end ends the answer. The recipient stands before or after the channel.
  Result<Part> call() {
    CallGrammar context{builder_, ONDOL_TRY(callable_tools(demand_)), false};
    std::vector<Part> choices;
    const Part json = builder_.choice(
        {builder_.literal(" json"),
         builder_.sequence({builder_.literal(" "), special("<|constrain|>"), builder_.literal("json")})});
    for (const ToolDefinition* tool : context.tools) {
      const Part to = builder_.literal(" to=functions." + tool->name);
      const Part commentary = builder_.sequence({special("<|channel|>"), builder_.literal("commentary")});
      const Part header = builder_.choice({builder_.sequence({to, commentary}), builder_.sequence({commentary, to})});
      JsonSchemaOptions options = tool_schema_options();
      options.never = message_ends();
      const Part arguments = ONDOL_TRY(json_arguments(context, *tool, std::move(options)));
      choices.push_back(builder_.sequence({header, builder_.optional(json), special(kMessage), arguments}));
    }
    return builder_.sequence({builder_.choice(std::move(choices)), builder_.optional(special("<|call|>"))});
  }

  const AnswerDemand& demand_;
  GrammarBuilder builder_;
};

Result<GrammarPtr> Harmony::grammar(const AnswerDemand& demand, std::string_view prompt) const {
  if (!demands_calls(demand) && demand.content == nullptr) return GrammarPtr();
  return HarmonyGrammar(demand).build(prompt);
}

}  // namespace

bool is_harmony(std::string_view source) {
  return source.find("<|channel|>analysis") != std::string_view::npos &&
         source.find("<|message|>") != std::string_view::npos;
}

std::shared_ptr<const ChatFormat> harmony() {
  return std::make_shared<Harmony>();
}

}  // namespace ondol::chat_format
