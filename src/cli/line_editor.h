// LineEditor: messages typed by a person, with editing and history (libedit), or lines of a pipe.
#pragma once

#include <memory>
#include <optional>
#include <string>

namespace ondol::cli {

class LineEditor {
 public:
  /// Without a terminal, plain lines are read and nothing is shown.
  explicit LineEditor(bool on_terminal);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  /// The next message, without its last newline; nothing at the end of input. A line that ends in a backslash goes on
  /// in the next one; lines between """ and """ are one message. Ctrl-C gives up the line.
  std::optional<std::string> read_message();

 private:
  std::optional<std::string> read_line(bool continuing);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ondol::cli
