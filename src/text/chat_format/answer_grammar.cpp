#include "text/chat_format/answer_grammar.h"

#include <fmt/format.h>

#include "text/chat_format/answer_parser.h"
#include "text/chat_format/loose_json.h"

namespace ondol::chat_format {
namespace {

using Part = GrammarBuilder::Part;

class AnswerGrammar {
 public:
  AnswerGrammar(const Dialect& dialect, const Reasoning& reasoning, const AnswerDemand& demand)
      : dialect_(dialect), reasoning_(reasoning), demand_(demand) {}

  Result<GrammarPtr> build(std::string_view prompt) {
    const Part thoughts = this->thoughts(prompt_end(prompt, reasoning_));
    const Part answer = ONDOL_TRY(this->answer());
    const Part end = demands_calls(demand_) ? some_space(builder_) : builder_.literal("");  // content is as it is
    return builder_.build(builder_.sequence({thoughts, answer, end}));
  }

 private:
  Part block(const std::string& open, const std::string& close) {
    return builder_.sequence({markup(builder_, open), rest_of_block(close)});
  }
  Part rest_of_block(const std::string& close) {
    return builder_.sequence({builder_.text_before({close}), markup(builder_, close), some_space(builder_)});
  }

  // What may come before the answer itself.
  Part thoughts(PromptEnd end) {
    std::vector<Part> parts = {some_space(builder_)};
    if (end == PromptEnd::kReasoning) parts.push_back(rest_of_block(reasoning_.close));
    if (end == PromptEnd::kContent && demand_.may_reason) {
      std::vector<Part> choices = {block(reasoning_.open, reasoning_.close),
                                   builder_.sequence({markup(builder_, reasoning_.close), some_space(builder_)})};
      if (reasoning_.open != "<think>") choices.push_back(block("<think>", "</think>"));
      parts.push_back(builder_.optional(builder_.choice(std::move(choices))));
    }
    return builder_.sequence(std::move(parts));
  }

  Part silent() {
    std::vector<Part> choices;
    for (const std::string& marker : dialect_.silent) choices.push_back(markup(builder_, marker));
    if (!dialect_.answer_open.empty()) choices.push_back(markup(builder_, dialect_.answer_open));
    if (!dialect_.answer_close.empty()) choices.push_back(markup(builder_, dialect_.answer_close));
    if (choices.empty()) return builder_.literal("");
    return builder_.repeat(builder_.sequence({builder_.choice(std::move(choices)), some_space(builder_)}), 0, 3);
  }

  // Free text in which no call begins; silent markers stand at its ends.
  Part free_text(const std::vector<std::string>& openers) {
    return builder_.sequence({silent(), builder_.text_before(markers_with(openers)), silent()});
  }

  std::vector<std::string> markers_with(std::vector<std::string> openers) const {
    // Reasoning that a call would have to end is no content before it.
    if (demand_.tool_choice != ToolChoice::kAuto) openers.push_back(reasoning_.open);
    for (const std::string& marker : dialect_.silent) openers.push_back(marker);
    if (!dialect_.answer_close.empty()) openers.push_back(dialect_.answer_close);
    // Space at the end of the answer must not complete one.
    for (std::string& opener : openers) {
      while (!opener.empty() && is_space(opener.back())) opener.pop_back();
    }
    return openers;
  }

  Part content() { return builder_.sequence({silent(), builder_.grammar(demand_.content), silent()}); }

  Result<Part> answer() {
    if (!demands_calls(demand_)) return content();
    CallGrammar context{builder_, ONDOL_TRY(callable_tools(demand_)), demand_.parallel_calls};
    const Part block = ONDOL_TRY(dialect_.calls->grammar(context));
    const Part more = builder_.sequence({some_space(builder_), block});
    const Part calls = builder_.sequence({block, builder_.repeat(more, 0, demand_.parallel_calls ? -1 : 0)});
    const auto openers = dialect_.calls->openers(demand_);
    const bool is_required = demand_.tool_choice != ToolChoice::kAuto;
    if (is_required) {
      // Content may come first where a marker tells calls from it.
      const bool has_marker = !openers.empty() && dialect_.calls->opens_content("{", demand_, false) == Match::kNo;
      const Part before = has_marker && demand_.content == nullptr ? free_text(openers) : silent();
      return builder_.sequence({before, calls, silent()});
    }
    if (demand_.content != nullptr) return builder_.choice({builder_.sequence({silent(), calls, silent()}), content()});
    return auto_answer(calls, openers);
  }

  Result<Part> auto_answer(Part calls, const std::vector<std::string>& openers) {
    if (dialect_.calls->opens_content("{", demand_, false) != Match::kNo) {  // calls are told by their first byte
      const Part held = ONDOL_TRY(builder_.regex_but("[^{\\[\\s][\\s\\S]*", {}, markers_with(openers)));
      const Part content = builder_.sequence({silent(), builder_.optional(builder_.sequence({held, silent()}))});
      return builder_.choice({calls, content});
    }
    const Part text = free_text(openers);
    if (!demand_.parallel_calls) return builder_.sequence({text, builder_.optional(calls)});
    return builder_.sequence({text, builder_.repeat(builder_.sequence({calls, text}), 0, -1)});
  }

  const Dialect& dialect_;
  const Reasoning& reasoning_;
  const AnswerDemand& demand_;
  GrammarBuilder builder_;
};

// Pieces that may be special tokens: <...> without spaces, and [WORD] or [/WORD].
size_t special_length(std::string_view text) {
  if (text.starts_with('<')) {
    size_t end = 1;
    while (end < text.size() && text[end] != '>' && text[end] != '<' && !is_space(text[end]) && text[end] != '=') ++end;
    return end < text.size() && text[end] == '>' && end > 1 ? end + 1 : 0;
  }
  if (text.starts_with('[')) {
    size_t end = text.starts_with("[/") ? 2 : 1;
    const size_t begin = end;
    while (end < text.size() && ((text[end] >= 'A' && text[end] <= 'Z') || text[end] == '_')) ++end;
    return end < text.size() && text[end] == ']' && end > begin ? end + 1 : 0;
  }
  return 0;
}

}  // namespace

Part markup(GrammarBuilder& builder, std::string_view text) {
  std::vector<Part> parts;
  std::string plain;
  const auto flush = [&] {
    if (!plain.empty()) parts.push_back(builder.literal(plain));
    plain.clear();
  };
  while (!text.empty()) {
    const size_t length = special_length(text);
    if (length == 0) {
      plain += text[0];
      text.remove_prefix(1);
      continue;
    }
    flush();
    parts.push_back(builder.special(text.substr(0, length)));
    text.remove_prefix(length);
  }
  flush();
  if (parts.empty()) return builder.literal("");
  return parts.size() == 1 ? parts[0] : builder.sequence(std::move(parts));
}

JsonSchemaOptions tool_schema_options(bool compact) {
  return {.compact = compact, .closed = true, .strict = false, .plain_numbers = true, .never = {}};
}

Result<Part> json_arguments(CallGrammar& context, const ToolDefinition& tool, JsonSchemaOptions options) {
  options.strict = tool.strict && !tool.parameters.is_null();
  const json::value any = json::object{{"type", "object"}};
  return context.builder.json_schema(tool.parameters.is_null() ? any : tool.parameters, options)
      .in("tool '" + tool.name + "'");
}

Part some_space(GrammarBuilder& builder) {
  return builder.repeat(builder.choice({builder.literal("\n"), builder.literal(" ")}), 0, 3);
}

bool is_tool_name(std::string_view text) {
  constexpr size_t kLongestName = 256;
  if (text.empty() || text.size() > kLongestName) return false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x21 || std::string_view("<>{}\"'`").find(c) != std::string_view::npos)
      return false;
  }
  return true;
}

Result<std::vector<const ToolDefinition*>> callable_tools(const AnswerDemand& demand) {
  std::vector<const ToolDefinition*> tools;
  for (const ToolDefinition& tool : demand.tools) {
    if (!is_tool_name(tool.name)) {
      return Error(fmt::format("tool {}: expected a name of up to 256 characters without spaces, brackets and quotes",
                               json_string(tool.name)));
    }
    if (demand.tool_choice != ToolChoice::kNamed || tool.name == demand.tool_name) tools.push_back(&tool);
  }
  if (!tools.empty()) return tools;
  return Error(fmt::format("tool_choice: expected the name of one of the request's {} tools, got '{}'",
                           demand.tools.size(), demand.tool_name));
}

Result<GrammarPtr> answer_grammar(const Dialect& dialect, const Reasoning& reasoning, const AnswerDemand& demand,
                                  std::string_view prompt) {
  if (!demands_calls(demand) && demand.content == nullptr) return GrammarPtr();
  return AnswerGrammar(dialect, reasoning, demand).build(prompt);
}

}  // namespace ondol::chat_format
