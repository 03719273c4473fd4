#include "agent/agent_history.h"

#include <algorithm>

#include <fmt/format.h>

#include "runtime/chat_style.h"
#include "runtime/conversation.h"
#include "text/unicode.h"

namespace ondol {
namespace {

/// Shortening goes on until the history takes this share of what it may, so that it happens seldom.
constexpr double kRoomAfter = 0.7;
constexpr size_t kLatestTurns = 2;
constexpr size_t kLongestLine = 160;

std::string cut(std::string text, size_t most) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() <= most) return text;
  text.resize(most);
  text.resize(text.size() - unfinished_utf8_suffix(text));
  return text + "...";
}

std::string call_in_words(const json::value& call) {
  const json::value* arguments = find_member(call, "arguments");
  return cut(fmt::format("{} {}", string_or(call, "name", "?"), arguments == nullptr ? "" : json_text(*arguments)),
             kLongestLine);
}

const json::array& calls_of(const json::object& answer) {
  static const json::array kNone;
  const json::value* calls = answer.if_contains("calls");
  return calls != nullptr && calls->is_array() ? calls->get_array() : kNone;
}

}  // namespace

void AgentHistory::apply(const json::object& step) {
  const std::string type = string_or(step, "type", "");
  const int number = static_cast<int>(int_or(step, "step", 0));
  if (type == "compaction") {
    results_before_ = static_cast<int>(int_or(step, "results_before", 0));
    turns_before_ = static_cast<int>(int_or(step, "turns_before", 0));
  } else if (type == "goal" || type == "answer" || type == "result" || type == "note") {
    entries_.push_back({number, step, type});
  }
}

bool AgentHistory::is_kept(const Entry& entry) const {
  return entry.step >= turns_before_ || entry.type == "goal";
}

std::string AgentHistory::line_of(const Entry& entry) const {
  if (entry.type == "result") {
    const bool is_error = bool_or(entry.data, "is_error", false);
    const std::string text = string_or(entry.data, "text", "");
    const int64_t kept = int_or(entry.data, "kept", 0);
    const std::string where = kept > 0 ? fmt::format("; whole text: read_result {{\"result\": {}}}", kept) : "";
    return fmt::format("[{}: {} bytes in {} lines{}]", is_error ? "failed" : "done", text.size(),
                       std::count(text.begin(), text.end(), '\n') + 1, where);
  }
  std::string line = cut(string_or(entry.data, "content", string_or(entry.data, "text", "")), kLongestLine);
  for (const json::value& call : calls_of(entry.data)) line += (line.empty() ? "" : " | ") + call_in_words(call);
  return line;
}

/// A goal, and what came with it between the marks.
std::string AgentHistory::goal_with_given(const Entry& entry) const {
  const std::string text = string_or(entry.data, "text", "");
  const std::string given = string_or(entry.data, "given", "");
  if (given.empty()) return text;
  const bool is_file = string_or(entry.data, "given_from", "") == "files";
  return fmt::format("{}\n\n{}\n{}", text,
                     is_file ? "It is about this file of the workspace, which came or changed:"
                             : "This came with it, from another program:",
                     marks_.marked(given));
}

std::string AgentHistory::goal_text(size_t first) const {
  std::string text = marks_.introduction() + goal_with_given(entries_[first]);
  std::string lines;
  for (const Entry& entry : entries_) {
    if (is_kept(entry)) continue;
    lines += "- " + line_of(entry) + "\n";
  }
  return lines.empty() ? text : text + "\n\nWhat was done so far, in short:\n" + lines;
}

json::object AgentHistory::message_of(const Entry& entry) const {
  if (entry.type == "note") return chat_message("user", "[Ondol] " + string_or(entry.data, "text", ""));
  if (entry.type == "answer") {
    json::object message = chat_message("assistant", string_or(entry.data, "content", ""));
    if (bool_or(entry.data, "is_block", false)) return message;
    json::array calls;
    for (const json::value& call : calls_of(entry.data)) {
      calls.push_back(make_tool_call(string_or(call, "id", ""), string_or(call, "name", ""), call.at("arguments")));
    }
    if (!calls.empty()) message["tool_calls"] = std::move(calls);
    return message;
  }
  std::string text = string_or(entry.data, "text", "");
  if (entry.step < results_before_) {
    text = line_of(entry);
  } else if (bool_or(entry.data, "is_untrusted", false)) {
    text = marks_.marked(text);
  }
  const std::string name = string_or(entry.data, "name", "");
  if (bool_or(entry.data, "is_block", false)) {
    return chat_message("user", fmt::format("[Ondol] The result of {}:\n{}", name, text));
  }
  json::object message = chat_message("tool", text);
  message["tool_call_id"] = string_or(entry.data, "call", "");
  message["name"] = name;
  return message;
}

json::array AgentHistory::messages(const std::string& system) const {
  json::array messages;
  messages.push_back(chat_message("system", system));
  bool is_first = true;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (!is_kept(entries_[i])) continue;
    if (entries_[i].type == "goal") {
      messages.push_back(chat_message("user", is_first ? goal_text(i) : goal_with_given(entries_[i])));
      is_first = false;
    } else {
      messages.push_back(message_of(entries_[i]));
    }
  }
  return messages;
}

/// The steps at which turns begin: their answers.
std::vector<int> AgentHistory::turns() const {
  std::vector<int> begins;
  for (const Entry& entry : entries_) {
    if (entry.type == "answer") begins.push_back(entry.step);
  }
  return begins;
}

Result<json::value> AgentHistory::shorten(const std::string& system, int64_t most, const PromptSize& size) const {
  const std::vector<int> begins = turns();
  const auto wanted = static_cast<int64_t>(static_cast<double>(most) * kRoomAfter);
  AgentHistory shorter = *this;
  bool fits = false;
  // Results first, the oldest before all; then whole turns. The latest are left for last.
  for (const size_t n_kept : {kLatestTurns, size_t{1}}) {
    for (int AgentHistory::*bound : {&AgentHistory::results_before_, &AgentHistory::turns_before_}) {
      for (size_t i = 1; i + n_kept <= begins.size(); ++i) {
        if (begins[i] <= shorter.*bound) continue;
        shorter.*bound = begins[i];
        const int64_t n = ONDOL_TRY(size(shorter.messages(system)));
        fits = n <= most;
        if (n <= wanted) break;
      }
      if (fits) break;
    }
    if (fits) break;
  }
  if (shorter.results_before_ == results_before_ && shorter.turns_before_ == turns_before_) return json::value();
  shorter.results_before_ = std::max(shorter.results_before_, shorter.turns_before_);
  return json::value(json::object{
      {"type", "compaction"}, {"results_before", shorter.results_before_}, {"turns_before", shorter.turns_before_}});
}

}  // namespace ondol
