// What a model is told when it is to answer from passages.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "retrieve/answer/follow_up.h"
#include "retrieve/answer/passages.h"
#include "retrieve/answer/text_generator.h"

namespace ondol {

/// Rules, earlier turns, the numbered passages and the question. Passages are data: rules say so, and what comes out is
/// checked in any case. In the language of the question.
std::vector<ChatTurn> answer_prompt(std::string_view question, std::span<const Passage> passages,
                                    std::span<const AnsweredQuestion> history);

/// Asks for the question in a form that can be understood alone.
std::vector<ChatTurn> rewriting_prompt(std::string_view question, std::span<const AnsweredQuestion> history);

}  // namespace ondol
