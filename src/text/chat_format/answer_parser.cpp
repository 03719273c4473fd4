#include "text/chat_format/answer_parser.h"

#include "text/chat_format/answer_writer.h"

namespace ondol::chat_format {
namespace {

using Step = CallReader::Step;

// What a marker in running text means.
enum class Meaning { kCall, kSilent, kAnswerOpen, kAnswerClose, kReasoningOpen, kReasoningClose, kOtherOpen };

constexpr const char* kCommonOpen = "<think>";
constexpr const char* kCommonClose = "</think>";

// What looks like the beginning of a call at the end of the text and is shorter may as well be content.
constexpr size_t kShortestCut = 6;

struct MeaningfulMarkers {
  MarkerSet set;
  std::vector<Meaning> meanings;
};

class Markers {
 public:
  void add(const std::string& marker, Meaning meaning) {
    if (marker.empty()) return;
    markers_.push_back(marker);
    meanings_.push_back(meaning);
  }
  MeaningfulMarkers done() && { return {MarkerSet(std::move(markers_)), std::move(meanings_)}; }

 private:
  std::vector<std::string> markers_;
  std::vector<Meaning> meanings_;
};

class DialectParser : public AnswerParser {
 public:
  DialectParser(const Dialect& dialect, const Reasoning& reasoning, const AnswerDemand& demand,
                std::string_view prompt);

  std::vector<AnswerDelta> push(std::string_view text) override {
    feed_.append(text);
    run();
    return writer_.take();
  }

  std::vector<AnswerDelta> finish() override {
    feed_.close();
    run();
    writer_.finish(state_ == State::kCalls);
    return writer_.take();
  }

  bool is_reasoning() const override { return state_ == State::kReasoning || state_ == State::kReasoningBegin; }

 private:
  enum class State { kBegin, kReasoningBegin, kReasoning, kContent, kCalls };

  void run() {
    while (step()) {
    }
  }
  // Whether there may be more to do.
  bool step();
  bool begin();
  bool reasoning_begin();
  bool reasoning();
  bool content();
  bool calls();
  bool marker(Meaning meaning, size_t length);
  bool go(State state) {
    state_ = state;
    return true;
  }
  void open_reasoning(bool is_common);
  void drop_cut_opener();

  const Dialect& dialect_;
  const Reasoning& format_;
  AnswerDemand demand_;
  bool has_calls_;
  MeaningfulMarkers begin_markers_;
  MeaningfulMarkers content_markers_;
  MeaningfulMarkers reasoning_markers_;
  std::string reasoning_open_;  // of the reasoning that goes on, which models repeat after a prompt that ends with it
  bool in_answer_ = false;
  bool may_reason_ = true;
  State state_ = State::kBegin;
  TextFeed feed_;
  AnswerWriter writer_;
  std::unique_ptr<CallReader> reader_;
  int calls_before_ = 0;  // of the block
};

DialectParser::DialectParser(const Dialect& dialect, const Reasoning& reasoning, const AnswerDemand& demand,
                             std::string_view prompt)
    : dialect_(dialect), format_(reasoning), demand_(demand), has_calls_(demands_calls(demand)) {
  const std::vector<std::string> openers = has_calls_ ? dialect.calls->openers(demand_) : std::vector<std::string>();
  Markers begin;
  Markers content;
  for (const std::string& opener : openers) {
    begin.add(opener, Meaning::kCall);
    content.add(opener, Meaning::kCall);
  }
  begin.add(reasoning.open, Meaning::kReasoningOpen);
  begin.add(reasoning.close, Meaning::kReasoningClose);
  if (reasoning.open != kCommonOpen) begin.add(kCommonOpen, Meaning::kOtherOpen);
  if (reasoning.anywhere) content.add(reasoning.open, Meaning::kReasoningOpen);
  begin.add(dialect.answer_open, Meaning::kAnswerOpen);
  content.add(dialect.answer_close, Meaning::kAnswerClose);
  for (const std::string& silent : dialect.silent) {
    begin.add(silent, Meaning::kSilent);
    content.add(silent, Meaning::kSilent);
  }
  begin_markers_ = std::move(begin).done();
  content_markers_ = std::move(content).done();
  switch (prompt_end(prompt, reasoning)) {
    case PromptEnd::kReasoning:
      open_reasoning(false);
      break;
    case PromptEnd::kClosedReasoning:
      may_reason_ = false;
      break;
    case PromptEnd::kContent:
      break;
  }
}

void DialectParser::open_reasoning(bool is_common) {
  Markers markers;
  markers.add(is_common ? kCommonClose : format_.close, Meaning::kReasoningClose);
  if (format_.calls_within && has_calls_) {
    for (const std::string& opener : dialect_.calls->openers(demand_)) markers.add(opener, Meaning::kCall);
  }
  reasoning_markers_ = std::move(markers).done();
  reasoning_open_ = is_common ? kCommonOpen : format_.open;
  state_ = State::kReasoningBegin;
}

bool DialectParser::step() {
  switch (state_) {
    case State::kBegin:
      return begin();
    case State::kReasoningBegin:
      return reasoning_begin();
    case State::kReasoning:
      return reasoning();
    case State::kContent:
      return content();
    case State::kCalls:
      return calls();
  }
  return false;
}

// Where reasoning, content or calls may begin.
bool DialectParser::begin() {
  const size_t space = skip_space(feed_.rest());
  const std::string_view text = feed_.rest().substr(space);
  if (text.empty() && !feed_.is_final()) return false;
  if (feed_.is_final() && !text.empty() && writer_.calls().count() > 0) {
    // The end of the text cut off a marker: another call would have begun, or the answer ended.
    for (const std::string& marker : begin_markers_.set.markers()) {
      if (marker.size() > text.size() && marker.starts_with(text)) feed_.take(feed_.rest().size());
      if (feed_.rest().empty()) return false;
    }
  }
  const auto found = begin_markers_.set.find(text, feed_.is_final());
  if (found.marker < 0 && found.position == 0 && !text.empty()) return false;
  if (found.marker >= 0 && found.position == 0) {
    const Meaning meaning = begin_markers_.meanings[static_cast<size_t>(found.marker)];
    const bool is_reasoning = meaning == Meaning::kReasoningOpen || meaning == Meaning::kOtherOpen;
    if (!is_reasoning || may_reason_) {
      writer_.content(feed_.rest().substr(0, space));
      feed_.take(space);
      return marker(meaning, found.length);
    }
  }
  if (has_calls_) {
    const Match opens = dialect_.calls->opens_content(text, demand_, false);
    if (opens == Match::kNeedText && feed_.is_final() && text.size() >= kShortestCut) feed_.take(feed_.rest().size());
    if (opens == Match::kNeedText && !(feed_.is_final() && text.size() < kShortestCut)) return false;
    if (opens == Match::kYes) {
      writer_.content(feed_.rest().substr(0, space));
      feed_.take(space);
      return marker(Meaning::kCall, 0);
    }
  }
  return go(State::kContent);
}

bool DialectParser::marker(Meaning meaning, size_t length) {
  if (meaning == Meaning::kCall) {
    may_reason_ = false;
    feed_.hold();
    reader_ = dialect_.calls->reader(demand_);
    calls_before_ = writer_.calls().count();
    return go(State::kCalls);
  }
  feed_.take(length);
  switch (meaning) {
    case Meaning::kReasoningOpen:
      open_reasoning(false);
      return true;
    case Meaning::kOtherOpen:
      open_reasoning(true);
      return true;
    case Meaning::kReasoningClose:
      may_reason_ = format_.anywhere;
      break;
    case Meaning::kAnswerOpen:
      in_answer_ = true;
      break;
    default:
      break;
  }
  return go(State::kBegin);
}

bool DialectParser::reasoning_begin() {
  if (!feed_.take_space()) return false;
  if (feed_.take_prefix(reasoning_open_) == Match::kNeedText) return false;
  return go(State::kReasoning);
}

bool DialectParser::reasoning() {
  std::string text;
  const auto found = feed_.take_before(reasoning_markers_.set, text, true);
  writer_.reasoning(text);
  if (found.marker < 0) return false;
  return marker(reasoning_markers_.meanings[static_cast<size_t>(found.marker)], found.length);
}

// Content that ends in the middle of an opener, unless it is too short to tell, was to be a call.
void DialectParser::drop_cut_opener() {
  const auto found = content_markers_.set.find(feed_.rest(), false);
  const std::string_view cut = feed_.rest().substr(found.position);
  if (found.marker >= 0 || cut.size() < kShortestCut) return;
  writer_.content(feed_.rest().substr(0, found.position));
  feed_.take(feed_.rest().size());
}

bool DialectParser::content() {
  if (feed_.is_final()) drop_cut_opener();
  std::string text;
  const auto found = feed_.take_before(content_markers_.set, text, true);
  if (skip_space(text) < text.size()) may_reason_ = format_.anywhere;
  writer_.content(text);
  if (found.marker < 0) return false;
  const Meaning meaning = content_markers_.meanings[static_cast<size_t>(found.marker)];
  if (meaning == Meaning::kAnswerClose && !in_answer_) {
    writer_.content(feed_.rest().substr(0, found.length));
    feed_.take(found.length);
    return true;
  }
  return marker(meaning, found.length);
}

bool DialectParser::calls() {
  const Step step = reader_->step(feed_, writer_.calls());
  const bool began = writer_.calls().count() > calls_before_;
  if (began) feed_.release();
  switch (step) {
    case Step::kAgain:
      return true;
    case Step::kNeedText:
      return false;
    case Step::kDone:
      return go(State::kBegin);
    case Step::kNoCall:
      break;
  }
  if (feed_.held().empty()) feed_.take(feed_.rest().empty() ? 0 : 1);  // not the same opener again
  writer_.content(feed_.held());
  feed_.release();
  return go(State::kContent);
}

}  // namespace

PromptEnd prompt_end(std::string_view prompt, const Reasoning& reasoning) {
  while (!prompt.empty() && is_space(prompt.back())) prompt.remove_suffix(1);
  if (!reasoning.close.empty() && prompt.ends_with(reasoning.close)) return PromptEnd::kClosedReasoning;
  const bool opens = !reasoning.open.empty() && prompt.ends_with(reasoning.open);
  return opens ? PromptEnd::kReasoning : PromptEnd::kContent;
}

bool demands_calls(const AnswerDemand& demand) {
  return !demand.tools.empty() && demand.tool_choice != ToolChoice::kNone;
}

std::unique_ptr<AnswerParser> answer_parser(const Dialect& dialect, const Reasoning& reasoning,
                                            const AnswerDemand& demand, std::string_view prompt) {
  return std::make_unique<DialectParser>(dialect, reasoning, demand, prompt);
}

}  // namespace ondol::chat_format
