// Gemma 4: <|tool_call>call:name{key:value}<tool_call|>, strings between tokens of their own, keys in alphabetical
// order.
#include "text/chat_format/dialect_list.h"
#include "text/chat_format/named_calls.h"
#include "text/chat_format/value_grammar.h"

namespace ondol::chat_format {
namespace {

constexpr const char* kQuote = "<|\"|>";

Result<GrammarBuilder::Part> arguments(CallGrammar& context, const ToolDefinition& tool) {
  const ValueStyle style = {
      .quote = kQuote, .quoted_keys = false, .sorted_keys = true, .colon = ":", .comma = ",", .null_word = "None"};
  ValueGrammar values(context, style, tool.parameters);
  auto members = values.members(&tool.parameters, false, ":");
  if (!members) return members.error().in("tool '" + tool.name + "'");
  GrammarBuilder& builder = context.builder;
  return builder.sequence({builder.literal("{"), *members, builder.literal("}")});
}

}  // namespace

Dialect gemma4() {
  Dialect dialect;
  dialect.name = "gemma-4";
  dialect.recognises = [](std::string_view source) { return contains(source, "<|tool_call>call:"); };
  dialect.reasoning = {.open = "<|channel>thought", .close = "<channel|>", .anywhere = true};
  dialect.calls = named_calls({.call_begin = "<|tool_call>call:",
                               .header_ends = {},
                               .brace_ends_header = true,
                               .call_end = "<tool_call|>",
                               .arguments = {.quote = kQuote},
                               .write_arguments = arguments});
  return dialect;
}

}  // namespace ondol::chat_format
