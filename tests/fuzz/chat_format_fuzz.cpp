// Answers of all dialects, cut into pieces: nothing crashes, what is written does not depend on the pieces, and the
// arguments of a call that was not cut off are JSON.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "text/chat_format.h"
#include "text/unicode.h"

namespace {

using ondol::AnswerDelta;
using ondol::AnswerDemand;
using ondol::ChatFormat;

// A template's text for each dialect, as far as it takes to be recognised.
constexpr const char* kTemplates[] = {
    "",
    "<tool_call>",
    "<|start_header_id|> ipython '\"parameters\": '",
    "[TOOL_CALLS]",
    "[TOOL_CALLS] [ARGS] [/THINK]",
    "<\xEF\xBD\x9Ctool\xE2\x96\x81"
    "calls\xE2\x96\x81"
    "begin\xEF\xBD\x9C> ```json </think>",
    "<\xEF\xBD\x9Ctool\xE2\x96\x81"
    "calls\xE2\x96\x81"
    "begin\xEF\xBD\x9C>",
    "<\xEF\xBD\x9C"
    "DSML\xEF\xBD\x9Ctool_calls>",
    "<function= </function>",
    ">>>all",
    " functools[",
    "Action: tool_name",
    "<|START_ACTION|>",
    "<|start_of_role|> <|tool_call|>",
    "<|/tool_call|>",
    "[BEGIN FINAL RESPONSE]",
    "<|tools_prefix|>",
    "<|role_sep|> function call",
    "<|tool_calls_section_begin|>",
    "<|open|> open_tag('call'",
    "<function= <parameter=",
    "<seed:tool_call>",
    "<minimax:tool_call>",
    "]<]minimax[>[",
    "<function name=\"a\"> <param name=\"b\">",
    "<arg_key>",
    "<arg_key> </assistant>",
    "<tool_calls> ```json </think>",
    "<|tool_call_start|>",
    "<function_calls>",
    "<|tool_call>call:",
    "<|channel|>analysis<|message|>",
};

const AnswerDemand& demand() {
  static const AnswerDemand demand = [] {
    AnswerDemand made;
    made.tools.push_back({"f", "",
                          ondol::parse_json(R"({"type": "object", "properties": {"s": {"type": "string"},
        "n": {"type": "number"}, "e": {"type": ["string", "null"]}, "a": {"type": "array", "items": {"$ref": "#"}},
        "o": {"type": "object"}}})")
                              .value()});
    made.tools.push_back({"now", "", {}});
    return made;
  }();
  return demand;
}

// The answer as one text; whether a call ended is checked on the way.
class Log {
 public:
  explicit Log(bool checks_json) : checks_json_(checks_json) {}

  void add(const std::vector<AnswerDelta>& deltas, bool at_end) {
    for (const AnswerDelta& delta : deltas) {
      if (delta.kind != last_ || delta.kind == AnswerDelta::Kind::kCallBegin)
        text_ += static_cast<char>('0' + static_cast<int>(delta.kind));
      last_ = delta.kind;
      text_ += delta.text;
      if (delta.kind == AnswerDelta::Kind::kCallBegin) {
        ONDOL_CHECK(!is_open_ && !delta.text.empty());
        is_open_ = true;
        arguments_.clear();
      }
      if (delta.kind == AnswerDelta::Kind::kCallArguments) arguments_ += delta.text;
      if (delta.kind != AnswerDelta::Kind::kCallEnd) continue;
      ONDOL_CHECK(is_open_);
      is_open_ = false;
      text_ += delta.id;
      if (!checks_json_ || at_end) continue;
      const auto value = ondol::parse_json(arguments_);
      ONDOL_CHECK(value.has_value() && value->is_object());
    }
  }

  const std::string& text() const {
    ONDOL_CHECK(!is_open_);
    return text_;
  }

 private:
  bool checks_json_;
  std::string text_;
  AnswerDelta::Kind last_ = AnswerDelta::Kind::kCallEnd;
  bool is_open_ = false;
  std::string arguments_;
};

std::string parse(const ChatFormat& format, std::string_view prompt, std::string_view text, size_t piece,
                  bool is_utf8) {
  Log log(is_utf8);
  const auto parser = format.parser(demand(), prompt);
  while (!text.empty()) {
    const size_t size = std::min(piece, text.size());
    log.add(parser->push(text.substr(0, size)), false);
    text.remove_prefix(size);
  }
  log.add(parser->finish(), true);
  return log.text();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 1 << 16) return 0;
  const auto format = ChatFormat::of_template(kTemplates[data[0] % std::size(kTemplates)]);
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string_view prompt = data[1] % 4 == 0 ? "<think>" : data[1] % 4 == 1 ? "<|start|>assistant" : "";
  const bool is_utf8 = ondol::is_valid_utf8(text);
  const std::string whole = parse(*format, prompt, text, text.size() + 1, is_utf8);
  ONDOL_CHECK(parse(*format, prompt, text, 1, is_utf8) == whole);
  ONDOL_CHECK(parse(*format, prompt, text, data[1] / 8 + 1u, is_utf8) == whole);
  return 0;
}
