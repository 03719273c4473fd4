#include "text/chat_format.h"

#include <algorithm>

#include "text/chat_format/answer_grammar.h"
#include "text/chat_format/answer_parser.h"
#include "text/chat_format/dialect.h"
#include "text/chat_format/harmony.h"

namespace ondol {
namespace {

using namespace chat_format;

bool mentions(std::string_view source, std::string_view text) {
  return source.find(text) != std::string_view::npos;
}

struct FoundReasoning {
  Reasoning reasoning;
  bool is_marked = false;  // by the template
};

// The line breaks that the template writes after the end of reasoning.
std::string breaks_after(std::string_view source, std::string_view close) {
  size_t most = 0;
  for (size_t at = source.find(close); at != std::string_view::npos; at = source.find(close, at + 1)) {
    std::string_view after = source.substr(at + close.size());
    after.remove_prefix(
        std::min(after.find_first_not_of("'\" ~+"), after.size()));  // between two strings of the template
    size_t count = 0;
    while (after.starts_with("\\n") && count < 2) {
      after.remove_prefix(2);
      ++count;
    }
    most = std::max(most, count);
  }
  return std::string(most, '\n');
}

FoundReasoning find_reasoning(const Dialect& dialect, std::string_view source) {
  if (!dialect.reasoning.open.empty()) return {dialect.reasoning, true};
  constexpr std::pair<const char*, const char*> kPairs[] = {
      {"[THINK]", "[/THINK]"}, {"<think>", "</think>"}, {"<thought>", "</thought>"}, {"<thinking>", "</thinking>"}};
  for (const auto& [open, close] : kPairs) {
    if (mentions(source, close))
      return {{.open = open, .close = close, .after_close = breaks_after(source, close)}, true};
  }
  return {{.open = "<think>", .close = "</think>", .after_close = "\n\n"}, false};
}

class DialectFormat : public ChatFormat {
 public:
  DialectFormat(const Dialect& dialect, std::string_view source)
      : dialect_(dialect),
        found_(find_reasoning(dialect, source)),
        reasoning_end_(found_.reasoning.close + found_.reasoning.after_close),
        has_tools_(mentions(source, "tools") || mentions(source, "functions")) {}

  std::string_view name() const override { return dialect_.name; }
  bool has_tools() const override { return has_tools_; }
  bool has_reasoning() const override { return found_.is_marked; }
  std::string_view reasoning_end() const override { return reasoning_end_; }

  Result<GrammarPtr> grammar(const AnswerDemand& demand, std::string_view prompt) const override {
    return answer_grammar(dialect_, found_.reasoning, demand, prompt);
  }

  std::unique_ptr<AnswerParser> parser(const AnswerDemand& demand, std::string_view prompt) const override {
    return answer_parser(dialect_, found_.reasoning, demand, prompt);
  }

 private:
  const Dialect& dialect_;
  FoundReasoning found_;
  std::string reasoning_end_;
  bool has_tools_;
};

}  // namespace

std::shared_ptr<const ChatFormat> ChatFormat::of_template(std::string_view source) {
  if (is_harmony(source)) return harmony();
  for (const Dialect& dialect : dialects()) {
    if (dialect.recognises(source)) return std::make_shared<DialectFormat>(dialect, source);
  }
  return std::make_shared<DialectFormat>(generic_dialect(), source);
}

}  // namespace ondol
