// The parts of AgentLoop: which tools are offered (ToolDesk), how a call comes to pass (CallDesk).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/loop.h"
#include "agent/result_text.h"

namespace ondol {

/// Writes steps to the session and tells the observer.
class StepLog {
 public:
  StepLog(AgentSession& session, const SecretFilter& secrets, std::function<void(const json::object&)> observer)
      : session_(session), secrets_(secrets), observer_(std::move(observer)) {}

  /// Without secrets.
  Result<json::object> add(const json::object& step);
  AgentSession& session() { return session_; }

 private:
  AgentSession& session_;
  const SecretFilter& secrets_;
  std::function<void(const json::object&)> observer_;
};

/// The tools that a model is shown.
class ToolDesk {
 public:
  ToolDesk(std::vector<Tool*> tools, std::vector<std::unique_ptr<Tool>> own, size_t most);

  /// Chooses for the task, or for what find() was asked for since the goal was stated. In the middle of a goal, what is
  /// offered changes only when the same tool is missing for the second time in a row: a word in passing, perhaps a
  /// stranger's that the model repeats, must not cost the whole prompt's keys and values.
  void choose(std::string_view task);
  void begin_goal() {
    stated_.clear();
    is_new_goal_ = true;
  }
  /// What a session was at.
  void restore(const json::array& names);
  void was_used(std::string_view name);
  /// Chooses anew for a task that the model states; the names that it gets.
  std::string find(const std::string& task);

  const std::vector<ToolDefinition>& definitions() const { return definitions_; }
  json::array names() const;
  /// Of those that are offered; null where there is none.
  Tool* tool(std::string_view name) const;

 private:
  void offer(std::vector<size_t> picked);

  std::vector<Tool*> tools_;
  std::vector<std::unique_ptr<Tool>> own_;
  size_t most_;
  ToolPicker picker_;
  std::vector<size_t> offered_;
  std::vector<size_t> used_;
  std::string stated_;
  bool is_new_goal_ = true;
  std::optional<size_t> missing_;  // when it was chosen last
  std::vector<ToolDefinition> definitions_;
};

/// From a call to its result.
class CallDesk {
 public:
  CallDesk(const LoopParts& parts, const LoopOptions& options, StepLog& log, ToolDesk& tools);

  /// What the call came to is in the session afterwards. Nothing: it waits for somebody who may approve it; question()
  /// says what. Errors: the session's.
  Result<std::optional<json::object>> handle(const AgentCall& call, bool is_block);
  const std::optional<ApprovalRequest>& question() const { return question_; }
  /// The step of a goal, with what came with it cut down and kept like a result.
  Result<json::object> goal_step(const AgentGoal& goal);
  /// A call that will not be done; `was_begun`: perhaps it was, when the process ended.
  Result<json::object> drop(const AgentCall& call, bool is_block, bool was_begun);

  /// A result of a session that is resumed.
  void restore(const json::object& step, const AgentCall* call);

  const Taint& taint() const { return taint_; }
  /// The same call has failed in the same way again and again.
  bool is_stuck() const { return n_repeats_ >= kMostRepeats; }
  bool is_untrusted_result(int number) const { return untrusted_results_.contains(number); }

 private:
  static constexpr int kRefusedAfter = 2;  // equal failures
  static constexpr int kMostRepeats = 3;   // calls that were then refused

  struct Decision {
    bool is_allowed = false;
    std::string verdict;
    std::string reason;
    std::optional<ApprovalRequest> request = {};  // to be answered later
  };
  Result<Decision> decide(const AgentCall& call, Tool& tool, const std::string& preview);
  Result<Decision> ask(const AgentCall& call, const Ruling& ruling, const RememberedApproval& approval,
                       const std::string& preview);
  Result<json::object> finish(const AgentCall& call, bool is_block, ToolResult result, bool has_secrets);
  Result<json::object> fail(const AgentCall& call, bool is_block, std::string text);
  /// A text as the model sees it; `kept` becomes the number of the whole one, where that is kept.
  Result<std::string> shown(const std::string& text, bool keeps, int& kept);

  const LoopParts& parts_;
  const LoopOptions& options_;
  StepLog& log_;
  ToolDesk& tools_;
  Taint taint_;
  std::map<std::string, std::pair<std::string, int>> failures_;  // call -> error, how often
  std::set<int> untrusted_results_;
  int n_repeats_ = 0;
  std::optional<ApprovalRequest> question_;
};

}  // namespace ondol
