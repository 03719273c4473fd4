// ConversationSpans: a conversation as the model's template writes it, and where in that text the assistant speaks.
//
// The words of a turn are what is between the text that the template makes of the messages before it, ready for an
// answer, and the text that it makes of the messages up to it. This is what the model will be asked to write, template
// by template. Where the text of earlier turns depends on later ones (reasoning that is dropped, tools that move), one
// text cannot hold all turns as the model will meet them: such a conversation becomes several texts, each of which ends
// with the turns that it teaches.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"
#include "train/data/example.h"
#include "train/data/message_form.h"

namespace ondol::train {

enum class TrainOn {
  kAll,        // every token
  kAssistant,  // what the assistant says
  kLast        // its last turn only
};

struct MarkedText {
  std::string text;
  /// Begin and end byte offsets, in order; the end of the turn lies inside.
  std::vector<std::pair<size_t, size_t>> targets;
};

class ConversationSpans {
 public:
  /// `now_unix_seconds` is what templates see as the time.
  ConversationSpans(ChatTemplate chat_template, const Tokenizer& tokenizer, int64_t now_unix_seconds);

  /// The last text first; all but the first are earlier turns that need texts of their own. Errors: the template
  /// refuses the messages, renders no tools though there are some, or writes a turn in no place that can be found.
  Result<std::vector<MarkedText>> mark(const Exchange& exchange, const json::object& variables, TrainOn train_on) const;

  /// What a template writes between an answer and the next message of the user.
  const std::string& turn_end() const { return turn_end_; }

 private:
  struct Turn {
    std::string text;  // of the messages up to this one, as far as its words go
    size_t begin;      // of its words
  };
  class Renderer;

  /// Behind the first of the ends of turn with which `text` ends; its size if there is none.
  size_t words_end(std::string_view text, size_t begin) const;
  /// Some templates prompt for an answer at the end of every text.
  void drop_prompt(std::string& text) const;

  ChatTemplate template_;
  json::object variables_;
  int64_t now_;
  MessageForm form_;
  std::string turn_end_;
  std::string constant_end_;       // of texts with and without an answer, where the template always prompts for one
  std::vector<std::string> ends_;  // texts of the tokens that end a generation
};

}  // namespace ondol::train
