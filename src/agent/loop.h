// AgentLoop: plan, call, observe, until the goal is reached or a budget is spent.
//
// Everything that happens is a step of the session, on the disk before what follows from it happens; `observer` gets
// the same steps. A call passes, in this order: its tool's preview, the rule (policy.h), a person where the rule says
// so, the session, the tool, the filter of secrets (secrets.h), the session again.
//
// Steps, by "type":
//   session     id, workspace, model, created                     (always the first)
//   goal        text; by: for whom; given_from, given: what came with it in strangers' words (kept, is_untrusted)
//   offer       tools: their names, where that changes
//   answer      content, reasoning, calls [{id, name, arguments}], prompt_tokens, cached_tokens, answer_tokens
//   call        call, name, preview, verdict (allowed, approved, remembered, refused), reason
//   result      call, name, text, kept (number of the whole text), is_error, is_untrusted, has_secrets
//   note        text: what the loop tells the model
//   compaction  results_before, turns_before: see agent_history.h
//   end         reason, text: the answer; turns, tokens, seconds
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/action_form.h"
#include "agent/agent_history.h"
#include "agent/agent_model.h"
#include "agent/agent_session.h"
#include "agent/approval_memory.h"
#include "agent/policy.h"
#include "agent/secrets.h"
#include "agent/skills.h"
#include "agent/tool.h"
#include "agent/tool_picker.h"

namespace ondol {

struct AgentBudget {
  int turns = 30;           // answers of the model
  int64_t tokens = 200000;  // evaluated: of prompts, what no cache held, and of answers
  double seconds = 1800;
};

struct ApprovalRequest {
  std::string tool;
  json::object arguments;
  std::string preview;
  std::string reason;
  /// What an "always" would cover; nothing where the call must be asked about every time.
  std::optional<RememberedApproval> always;
};
/// The request in words, as "asking" outcomes have it: which tool, why, and the preview.
std::string question_of(const ApprovalRequest& request);

enum class ApprovalAnswer {
  kNo,
  kOnce,
  kAlways,
  kLater,  // whoever must say is not there: the run ends, and the next one begins with this call
};

struct LoopOptions {
  Policy policy;
  AgentBudget budget;
  size_t tools_at_once = 6;      // offered at a turn, beside the loop's own
  int64_t result_tokens = 1000;  // of a result that the model sees; an eighth of the context at most
  int answer_tokens = 1024;
  int reasoning_budget = 0;
  double temperature = 0;
  uint64_t seed = 0;
  std::string instructions;        // the owner's, at the end of the system message
  std::optional<ActionForm> form;  // without it, blocks where the model's template has no tools
};

/// What the loop works with. All of it outlives the loop.
struct LoopParts {
  AgentModel& model;
  std::vector<Tool*> tools;  // in the order of their importance
  ToolContext& context;      // its goes_on also ends the loop, at once
  AgentSession& session;
  ApprovalMemory& approvals;
  const SecretFilter& secrets;
  std::vector<Skill> skills;
  /// Asked where the rule says so. Absent: everything that must be asked about is refused.
  std::function<Result<ApprovalAnswer>(const ApprovalRequest& request)> approve;
  std::function<void(const json::object& step)> observer;
  std::function<void(const AnswerDelta& delta)> stream;  // the answer as it is made, unfiltered: for a terminal
  std::function<double()> seconds_now;                   // a steady clock; absent: the system's
};

struct AgentGoal {
  std::string text;
  std::string by = {};          // whoever set it can find it again in the session; ""
  std::string given_from = {};  // what `given` is: "hook", "files"
  std::string given = {};       // what came with the goal, in a stranger's words: data for it
};

struct LoopOutcome {
  /// "done", "asking", "turns", "tokens", "seconds", "cancelled", "context", "stuck" or "error".
  std::string reason;
  std::string text;                           // the answer, what must be approved, or what went wrong
  std::optional<ApprovalRequest> asked = {};  // of "asking"
  int turns = 0;
  int64_t tokens = 0;
  double seconds = 0;
};

class AgentLoop {
 public:
  /// Takes up the session where it stands.
  AgentLoop(LoopParts parts, LoopOptions options);
  ~AgentLoop();

  /// Works on the goal, or, if it is empty, goes on with what the session was at. Errors: the session cannot be
  /// written; everything else is an outcome.
  Result<LoopOutcome> run(const AgentGoal& goal);
  Result<LoopOutcome> run(const std::string& goal) { return run(AgentGoal{.text = goal}); }

  const Taint& taint() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ondol
