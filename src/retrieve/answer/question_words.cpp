#include "retrieve/answer/question_words.h"

#include <algorithm>
#include <iterator>

namespace ondol {
namespace {

/// Words that begin so.
constexpr std::string_view kBeginnings[] = {"무엇", "무슨", "누구", "누가",   "언제",   "어디", "어느",
                                            "어떤", "어떻", "얼마", "몇",     "왜",     "뭐",   "뭘",
                                            "뭔",   "알려", "말해", "가르쳐", "설명해", "궁금", "인가",
                                            "일까", "입니", "있나", "있는가", "있습니", "있어", "있는지"};
constexpr std::string_view kWords[] = {"좀",     "것은", "것",     "수", "줘",    "해줘",
                                       "주세요", "되나", "되나요", "돼", "되는가"};
constexpr std::string_view kEdges = " \t\r\n.,?!";

bool is_question_word(std::string_view word) {
  return std::any_of(std::begin(kBeginnings), std::end(kBeginnings),
                     [&](std::string_view beginning) { return word.starts_with(beginning); }) ||
         std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

}  // namespace

std::string without_question_words(std::string_view question) {
  std::string rest;
  for (size_t start = 0; start < question.size();) {
    const size_t end = std::min(question.find_first_of(kEdges, start), question.size());
    const size_t next = std::min(question.find_first_not_of(kEdges, end), question.size());
    if (!is_question_word(question.substr(start, end - start))) rest += question.substr(start, next - start);
    start = next;
  }
  return rest.find_first_not_of(kEdges) == rest.npos ? std::string(question) : rest;
}

}  // namespace ondol
