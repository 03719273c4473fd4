// Follow-up questions: what they leave out is found in the turns before them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "retrieve/terms.h"

namespace ondol {

/// A question and what was answered.
struct AnsweredQuestion {
  std::string question;
  std::string answer;
};

/// Whether a question points to what was said before: with a pronoun ("it", "그것"), a beginning ("and", "그럼"), or by
/// being very short.
bool points_back(std::string_view question);

/// The question with the words of the questions before it, which count half: for searching, not for reading. Goes back
/// as far as questions point further back.
std::string with_carried_words(std::string_view question, std::span<const AnsweredQuestion> history);

/// Whether a question that a model has rewritten says nothing but what question and history say, and is not empty.
bool is_sane_rewriting(std::string_view rewritten, std::string_view question,
                       std::span<const AnsweredQuestion> history);

}  // namespace ondol
