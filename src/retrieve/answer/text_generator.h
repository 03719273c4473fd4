// TextGenerator: a model that follows instructions, handed in. What makes it one is no business of retrieval.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/grammar/grammar.h"

namespace ondol {

struct ChatTurn {
  std::string role;  // "system", "user" or "assistant"
  std::string text;
};

class TextGenerator {
 public:
  virtual ~TextGenerator() = default;

  /// Whether it notices by itself that passages do not answer a question. Small models say something about anything.
  virtual bool is_discerning() const = 0;

  /// Tokens that prompt and answer may have together.
  virtual int64_t context_length() const = 0;
  virtual int64_t count_tokens(std::string_view text) const = 0;
  /// Of a whole conversation, as its template writes it, up to where the answer begins.
  virtual Result<int64_t> count_prompt(const std::vector<ChatTurn>& turns) const = 0;

  struct Wish {
    std::vector<ChatTurn> turns;
    int max_tokens = 0;
    GrammarPtr grammar;  // what the answer is held to; null: nothing. One that cannot hold to it may ignore it.
    /// Receives the answer as it is made; false stops it.
    std::function<bool(std::string_view piece)> sink;
  };
  /// The most likely answer, whole.
  virtual Result<std::string> generate(const Wish& wish) = 0;
};

}  // namespace ondol
