#include "cli/line_editor.h"

#include <histedit.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "cli/terminal.h"

namespace ondol::cli {
namespace {

bool continuing_line = false;  // libedit asks for the prompt through a plain function

char* prompt(EditLine*) {
  static char first[] = "> ";
  static char next[] = ". ";
  return continuing_line ? next : first;
}

std::string history_path() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  if (state != nullptr && *state != '\0') return std::string(state) + "/ondol/history";
  if (home != nullptr && *home != '\0') return std::string(home) + "/.local/state/ondol/history";
  return "";
}

}  // namespace

struct LineEditor::State {
  EditLine* editor = nullptr;
  History* history = nullptr;
  std::string history_file;
};

LineEditor::LineEditor(bool on_terminal) : state_(std::make_unique<State>()) {
  if (!on_terminal) return;
  std::setlocale(LC_CTYPE, "");  // libedit measures and moves over characters, Korean ones too
  state_->editor = el_init("ondol", stdin, stderr, stderr);
  state_->history = history_init();
  HistEvent event;
  history(state_->history, &event, H_SETSIZE, 1000);
  history(state_->history, &event, H_SETUNIQUE, 1);
  state_->history_file = history_path();
  if (!state_->history_file.empty()) {
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(state_->history_file).parent_path(), ignored);
    history(state_->history, &event, H_LOAD, state_->history_file.c_str());
  }
  el_set(state_->editor, EL_PROMPT, prompt);
  el_set(state_->editor, EL_EDITOR, "emacs");
  el_set(state_->editor, EL_HIST, history, state_->history);
  el_set(state_->editor, EL_SIGNAL, 0);
  el_source(state_->editor, nullptr);
}

LineEditor::~LineEditor() {
  if (state_->editor == nullptr) return;
  HistEvent event;
  if (!state_->history_file.empty()) history(state_->history, &event, H_SAVE, state_->history_file.c_str());
  history_end(state_->history);
  el_end(state_->editor);
}

std::optional<std::string> LineEditor::read_line(bool continuing) {
  if (state_->editor == nullptr) {
    std::string line;
    if (!std::getline(std::cin, line)) return std::nullopt;
    return line;
  }
  continuing_line = continuing;
  int length = 0;
  const char* text = el_gets(state_->editor, &length);
  if (text == nullptr || length <= 0) {
    const bool gave_up = interrupted.exchange(false);
    std::fputc('\n', stderr);
    if (!gave_up) return std::nullopt;
    el_reset(state_->editor);
    return "";
  }
  std::string line(text, static_cast<size_t>(length));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  return line;
}

std::optional<std::string> LineEditor::read_message() {
  constexpr std::string_view kQuotes = "\"\"\"";
  auto line = read_line(false);
  if (!line) return std::nullopt;
  std::string message = *line;
  if (message.starts_with(kQuotes)) {
    message.erase(0, kQuotes.size());
    while (!message.ends_with(kQuotes)) {
      const auto next = read_line(true);
      if (!next) break;
      message += "\n" + *next;
    }
    if (message.ends_with(kQuotes)) message.resize(message.size() - kQuotes.size());
    if (message.starts_with('\n')) message.erase(0, 1);
  } else {
    while (message.ends_with('\\')) {
      message.pop_back();
      const auto next = read_line(true);
      if (!next) break;
      message += "\n" + *next;
    }
  }
  if (state_->history != nullptr && !message.empty()) {
    HistEvent event;
    history(state_->history, &event, H_ENTER, message.c_str());
  }
  return message;
}

}  // namespace ondol::cli
