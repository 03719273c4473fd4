#include "retrieve/answer/answer_grammar.h"

#include <algorithm>

#include <fmt/format.h>

namespace ondol {
namespace {

using Part = GrammarBuilder::Part;

/// Words of a sentence that a quotation can be taken from; longer ones are several.
constexpr size_t kMostWords = 48;
/// Words that a quotation has at least, where the sentence has them.
constexpr size_t kLeastWords = 3;
constexpr int kMostClaims = 5;

/// Line breaks, brackets and quotation marks are the form's own. Bounded: a small model may go on for ever.
constexpr std::string_view kClaim = "[^\\[\\]\\n\\r\"\\s][^\\[\\]\\n\\r\"]{1,240}[.!。]";

std::vector<std::string_view> words_of(std::string_view sentence) {
  std::vector<std::string_view> words;
  for (size_t start = 0; start < sentence.size();) {
    const size_t end = std::min(sentence.find(' ', start), sentence.size());
    if (end > start) words.push_back(sentence.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

/// From any word on to any later one of these. What may follow a word is one part, wherever a quotation begins.
void add_quotations(GrammarBuilder& builder, std::span<const std::string_view> words, std::vector<Part>& quotations) {
  const size_t least = std::min(kLeastWords, words.size());
  std::vector<Part> behind(words.size());  // behind word i: nothing, or the next words up to any
  behind.back() = builder.literal("");
  for (size_t i = words.size() - 1; i-- > 0;) {
    behind[i] = builder.optional(builder.sequence({builder.literal(fmt::format(" {}", words[i + 1])), behind[i + 1]}));
  }
  for (size_t i = 0; i + least <= words.size(); ++i) {
    const char* begin = words[i].data();
    const char* end = words[i + least - 1].data() + words[i + least - 1].size();
    quotations.push_back(builder.sequence(
        {builder.literal(std::string_view(begin, static_cast<size_t>(end - begin))), behind[i + least - 1]}));
  }
}

}  // namespace

Result<GrammarPtr> answer_grammar(std::span<const Passage> passages, const std::string& decline) {
  GrammarBuilder builder;
  std::vector<Part> citations;
  for (size_t i = 0; i < passages.size(); ++i) {
    std::vector<Part> quotations;
    for (const ByteRange& span : passages[i].sentences) {
      const std::string sentence = one_line(span.of(passages[i].hit.text));
      const std::vector<std::string_view> words = words_of(sentence);
      for (size_t start = 0; start < words.size(); start += kMostWords) {
        add_quotations(builder, std::span(words).subspan(start, std::min(kMostWords, words.size() - start)),
                       quotations);
      }
    }
    if (quotations.empty()) continue;
    citations.push_back(builder.sequence({builder.literal(fmt::format("[{} \"", i + 1)),
                                          builder.choice(std::move(quotations)), builder.literal("\"]")}));
  }
  const Part declined = builder.literal(decline);
  if (citations.empty()) return builder.build(declined);
  const Part claim =
      builder.sequence({ONDOL_TRY(builder.regex(kClaim)), builder.literal(" "), builder.choice(std::move(citations))});
  const Part more = builder.repeat(builder.sequence({builder.literal("\n"), claim}), 0, kMostClaims - 1);
  return builder.build(builder.choice({declined, builder.sequence({claim, more})}));
}

}  // namespace ondol
