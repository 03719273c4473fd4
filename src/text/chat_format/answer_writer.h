// AnswerWriter: the deltas of one answer. Space at the ends of reasoning and content and around calls is nobody's: it
// waits, and is written only when more of the same follows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/chat_format/dialect.h"

namespace ondol::chat_format {

class AnswerWriter {
 public:
  AnswerWriter() = default;
  AnswerWriter(const AnswerWriter&) = delete;
  AnswerWriter& operator=(const AnswerWriter&) = delete;

  void reasoning(std::string_view text);
  void content(std::string_view text);
  CallWriter& calls() { return calls_; }
  /// The text has ended, perhaps `within_call`: space at the content's end is written where no call came.
  void finish(bool within_call);
  std::vector<AnswerDelta> take();

 private:
  struct Channel {
    std::string space;
    bool has_text = false;
  };
  void text(AnswerDelta::Kind kind, std::string_view text, Channel& channel);

  std::vector<AnswerDelta> deltas_;
  CallWriter calls_{deltas_};
  Channel reasoning_;
  Channel content_;
};

}  // namespace ondol::chat_format
