// PromptText: what a chat template made of messages, in which the texts of special tokens that came with the messages
// are told apart from the template's own. Whoever writes "<|im_end|>" in a message ends no turn.
//
// In what goes into the template, the first character of such a text is replaced by a stand-in, a letter that occurs
// nowhere else: it comes out wherever the template puts the text, and lengths, trimming and JSON are as ever. A
// template that looks for such texts in assistants' messages (to cut off reasoning) finds those that it looks for.
// Where a template rewrites texts so that nothing else is safe, an invisible character (U+2060) breaks them.
//
// Not seen: a text that a template makes of other characters, or that it begins and a message goes on with.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "text/byte_trie.h"
#include "text/tokenizer.h"

namespace ondol {

/// The texts of a vocabulary's control tokens, of more than one byte.
class SpecialTexts {
 public:
  SpecialTexts() = default;
  explicit SpecialTexts(const Tokenizer& tokenizer);

  const std::vector<std::string>& all() const { return texts_; }
  /// The length of the longest of them that begins `text`; also of a rest of `text` that is the beginning of one. 0:
  /// none.
  size_t length_at(std::string_view text) const;

 private:
  std::vector<std::string> texts_;
  ByteTrie beginnings_;  // every beginning of every text; the value says whether it is whole
};

struct PromptText {
  std::string text;
  std::vector<size_t> plain;  // where special texts of messages begin; for Tokenizer::encode_prompt
};

/// Renders `input`, an object of all that came with a request ("messages" and what else there is), which `render` puts
/// through the template: once where no special text occurs, up to 20 times where many do. Errors are render's.
Result<PromptText> render_prompt(const SpecialTexts& special, const json::object& input,
                                 const std::function<Result<std::string>(const json::object& input)>& render);

}  // namespace ondol
