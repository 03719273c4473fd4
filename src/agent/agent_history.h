// AgentHistory: the messages that a session's steps make, and how they are shortened when they no longer fit.
//
// It is a pure function of the steps, so that a session that is resumed sends the same prompt, token for token, and
// finds its keys and values in the cache. Shortening is a step too: results before one step become a line each, and
// turns before another one become a list in the goal's message. Goal and the latest turns stay as they are.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/result_text.h"
#include "base/json.h"
#include "base/result.h"

namespace ondol {

class AgentHistory {
 public:
  AgentHistory(UntrustedMarks marks) : marks_(std::move(marks)) {}

  /// A step of the session; those that say nothing to the model are passed over.
  void apply(const json::object& step);

  /// OpenAI's messages, with `system` at their head.
  json::array messages(const std::string& system) const;

  /// A step that shortens the history, so that `size` of its messages is at most `most`: enough of it that it need not
  /// be done again soon. Null where nothing is left to shorten. To be recorded and applied. Errors are size's.
  using PromptSize = std::function<Result<int64_t>(const json::array& messages)>;
  Result<json::value> shorten(const std::string& system, int64_t most, const PromptSize& size) const;

 private:
  struct Entry {
    int step = 0;
    json::object data;
    std::string type;  // "goal", "answer", "result", "note"
  };

  json::object message_of(const Entry& entry) const;
  std::string line_of(const Entry& entry) const;
  std::string goal_with_given(const Entry& entry) const;
  std::string goal_text(size_t first) const;
  bool is_kept(const Entry& entry) const;
  std::vector<int> turns() const;

  UntrustedMarks marks_;
  std::vector<Entry> entries_;
  int results_before_ = 0;  // results of earlier steps are a line each
  int turns_before_ = 0;    // earlier answers and results are a list
};

}  // namespace ondol
