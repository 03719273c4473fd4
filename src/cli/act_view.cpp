#include "cli/act_view.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include <fmt/format.h>

#include "agent/printable_text.h"
#include "cli/language.h"
#include "cli/terminal.h"
#include "text/unicode.h"

namespace ondol::cli {
namespace {

constexpr size_t kShownCharacters = 200;
constexpr size_t kShownLines = 60;

std::string one_line(std::string text, size_t most = kShownCharacters) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() <= most) return text;
  text.resize(most);
  text.resize(text.size() - unfinished_utf8_suffix(text));
  return text + "...";
}

/// Escape sequences of a file must not steer the terminal.
std::string for_terminal(std::string_view text) {
  return printable_text(text);
}

std::string with_limit(const std::string& text) {
  size_t at = 0;
  for (size_t n = 0; n < kShownLines && at < text.size(); ++n) {
    const size_t end = text.find('\n', at);
    at = end == std::string::npos ? text.size() : end + 1;
  }
  if (at >= text.size()) return text;
  const auto more = std::count(text.begin() + static_cast<long>(at), text.end(), '\n') + 1;
  return text.substr(0, at) + fmt::format(fmt::runtime(tr("... and {} more lines\n")), more);
}

std::string calls_in_words(const json::object& answer) {
  std::string text;
  const json::value* calls = answer.if_contains("calls");
  if (calls == nullptr || !calls->is_array()) return text;
  for (const json::value& call : calls->get_array()) {
    const json::value* arguments = find_member(call, "arguments");
    text += fmt::format("{}{} {}", text.empty() ? "" : "; ", string_or(call, "name", ""),
                        arguments == nullptr ? "" : json_text(*arguments));
  }
  return text;
}

/// A line that is typed; nothing at the end of input or when Ctrl-C was pressed.
std::optional<std::string> read_line() {
  std::string line;
  while (!interrupted) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, 100) <= 0) continue;
    char c = 0;
    if (::read(STDIN_FILENO, &c, 1) <= 0) return {};
    if (c == '\n') return line;
    line += c;
  }
  return {};
}

std::string local_time(int64_t seconds) {
  const auto time = static_cast<time_t>(seconds);
  tm parts{};
  ::localtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &parts);
  return text;
}

}  // namespace

std::string step_in_words(const json::object& step) {
  const std::string type = string_or(step, "type", "");
  if (type == "session") return fmt::format("{} {}", string_or(step, "id", ""), string_or(step, "workspace", ""));
  if (type == "answer") {
    const std::string content = one_line(string_or(step, "content", "")), calls = one_line(calls_in_words(step));
    return content.empty() ? calls : calls.empty() ? content : content + " | " + calls;
  }
  if (type == "call") {
    return fmt::format("{}: {} {}", string_or(step, "name", ""), tr(string_or(step, "verdict", "")),
                       string_or(step, "reason", ""));
  }
  if (type == "offer") return json_text(step.at("tools"));
  if (type == "end") return fmt::format("{} {}", string_or(step, "reason", ""), one_line(string_or(step, "text", "")));
  return one_line(string_or(step, "text", ""));
}

void show_step(const json::object& step) {
  const std::string type = string_or(step, "type", "");
  if (type == "answer") {
    const std::string calls = calls_in_words(step);
    if (calls.empty()) return;  // the end of the run shows it
    const std::string content = for_terminal(string_or(step, "content", ""));
    if (!content.empty()) fmt::print(stderr, "{}\n", content);
    fmt::print(stderr, "{} {}\n", styled(">", "1;36"), for_terminal(one_line(calls)));
  } else if (type == "call") {
    const std::string verdict = string_or(step, "verdict", "");
    if (verdict != "refused") return;
    fmt::print(stderr, "  {} {}\n", styled(tr("refused"), "33"), string_or(step, "reason", ""));
  } else if (type == "result") {
    const bool is_error = bool_or(step, "is_error", false);
    fmt::print(stderr, "  {}\n", styled(for_terminal(one_line(string_or(step, "text", ""))), is_error ? "31" : "2"));
  } else if (type == "compaction") {
    fmt::print(stderr, "  {}\n", styled(tr("(earlier results were shortened)"), "2"));
  }
}

Result<ApprovalAnswer> ask_at_terminal(const ApprovalRequest& request) {
  fmt::print(stderr, "\n{} {}\n", styled(request.tool, "1"), styled("(" + request.reason + ")", "33"));
  std::string preview = with_limit(for_terminal(request.preview));
  if (!preview.ends_with('\n')) preview += '\n';
  fmt::print(stderr, "{}", preview);
  while (true) {
    if (request.always) {
      fmt::print(stderr, "{} ",
                 fmt::format(fmt::runtime(tr("Allow it? [y]es, [n]o, [a]lways here for {}:")),
                             one_line(for_terminal(request.always->pattern), 80)));
    } else {
      fmt::print(stderr, "{} ", tr("Allow it? [y]es, [n]o:"));
    }
    std::fflush(stderr);
    const std::optional<std::string> line = read_line();
    if (!line) return ApprovalAnswer::kNo;
    if (*line == "y" || *line == "yes" || *line == "예" || *line == "네") return ApprovalAnswer::kOnce;
    if (*line == "n" || *line == "no" || *line == "아니요") return ApprovalAnswer::kNo;
    const bool says_always = *line == "a" || *line == "always" || *line == "항상";
    if (says_always && request.always) return ApprovalAnswer::kAlways;
  }
}

Result<std::string> ask_user_at_terminal(std::string_view question) {
  fmt::print(stderr, "\n{}\n> ", for_terminal(question));
  std::fflush(stderr);
  auto line = read_line();
  if (!line) return Error("the user gave no answer");
  return std::move(*line);
}

void print_sessions(const std::vector<AgentSessionInfo>& sessions) {
  for (const AgentSessionInfo& session : sessions) {
    fmt::print("{}  {}  {:>4}  {:<9}  {}\n", session.id, local_time(session.created_unix_seconds), session.n_steps,
               session.end.empty() ? "-" : session.end, one_line(session.goal, 60));
  }
}

void print_note(const std::string& text) {
  fmt::print(stderr, "{} {}\n", styled(tr("note:"), "33"), text);
}

}  // namespace ondol::cli
