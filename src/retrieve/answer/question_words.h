// Question words: what makes a sentence a question without telling what it is about.
#pragma once

#include <string>
#include <string_view>

namespace ondol {

/// The question without Korean question words ("얼마인가요", "알려줘"). English ones are no terms anyway (terms.h).
/// What would leave nothing stays as it is.
std::string without_question_words(std::string_view question);

}  // namespace ondol
