// The grammar of a whole answer: reasoning, content and calls, as a demand wants them.
#pragma once

#include <string_view>

#include "text/chat_format/dialect.h"

namespace ondol::chat_format {

/// As ChatFormat::grammar.
Result<GrammarPtr> answer_grammar(const Dialect& dialect, const Reasoning& reasoning, const AnswerDemand& demand,
                                  std::string_view prompt);

/// The tools that may be called; fails when there is none that the demand asks for.
Result<std::vector<const ToolDefinition*>> callable_tools(const AnswerDemand& demand);

}  // namespace ondol::chat_format
