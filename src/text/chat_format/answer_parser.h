// The parser of all dialects that mark reasoning and calls within running text.
#pragma once

#include <memory>
#include <string_view>

#include "text/chat_format/dialect.h"

namespace ondol::chat_format {

/// Where reasoning begins for an answer to `prompt`.
enum class PromptEnd { kContent, kReasoning, kClosedReasoning };
PromptEnd prompt_end(std::string_view prompt, const Reasoning& reasoning);

/// `reasoning`: of the dialect or of the template. Both are kept by reference.
std::unique_ptr<AnswerParser> answer_parser(const Dialect& dialect, const Reasoning& reasoning,
                                            const AnswerDemand& demand, std::string_view prompt);

/// Whether calls are to be looked for.
bool demands_calls(const AnswerDemand& demand);

}  // namespace ondol::chat_format
