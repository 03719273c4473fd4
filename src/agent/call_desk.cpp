#include <algorithm>

#include <fmt/format.h>

#include "agent/loop_state.h"
#include "agent/printable_text.h"

namespace ondol {
namespace {

/// Results below this are not worth a file of their own: the step holds them.
constexpr size_t kSmallResult = 500;

std::string key_of(const AgentCall& call) {
  return approval_of(call.name, call.arguments, {}).pattern + " " + call.name;
}

Result<std::optional<json::object>> done(Result<json::object> step) {
  if (!step) return step.error();
  return std::optional(std::move(*step));
}

}  // namespace

std::string question_of(const ApprovalRequest& request) {
  return fmt::format("{}: {}\n{}", request.tool, request.reason, request.preview);
}

CallDesk::CallDesk(const LoopParts& parts, const LoopOptions& options, StepLog& log, ToolDesk& tools)
    : parts_(parts), options_(options), log_(log), tools_(tools) {}

Result<std::optional<json::object>> CallDesk::handle(const AgentCall& call, bool is_block) {
  Tool* tool = tools_.tool(call.name);
  if (tool == nullptr) return done(fail(call, is_block, fmt::format("There is no tool '{}'.", call.name)));
  const auto failed = failures_.find(key_of(call));
  if (failed != failures_.end() && failed->second.second >= kRefusedAfter) {
    ++n_repeats_;
    return done(fail(call, is_block,
                     fmt::format("This very call has failed {} times: {}\nIt was not run again. Do something else.",
                                 failed->second.second, failed->second.first)));
  }
  auto preview = tool->preview(call.arguments, parts_.context);
  if (!preview) return done(fail(call, is_block, preview.error().message()));
  const std::string shown = parts_.secrets.filter(printable_text(*preview)).text;
  const Decision decision = ONDOL_TRY(decide(call, *tool, shown));
  if (decision.request) {
    question_ = decision.request;
    return std::optional<json::object>();
  }
  const json::object step = {{"type", "call"},
                             {"call", call.id},
                             {"name", call.name},
                             {"preview", shown},
                             {"verdict", decision.verdict},
                             {"reason", decision.reason}};
  ONDOL_TRY(log_.add(step));
  if (!decision.is_allowed) {
    return done(
        fail(call, is_block, "Not allowed: " + decision.reason + ". It was not done. Do not try to get around it."));
  }
  tools_.was_used(call.name);
  auto result = tool->call(call.arguments, parts_.context);
  if (!result) return done(fail(call, is_block, result.error().message()));
  return done(finish(call, is_block, std::move(*result), names_secret_path(call.arguments)));
}

Result<json::object> CallDesk::drop(const AgentCall& call, bool is_block, bool was_begun) {
  return fail(call, is_block,
              was_begun ? "The program ended while this ran: nobody knows whether it was done. Look first."
                        : "It was not done: the user wanted something else.");
}

Result<CallDesk::Decision> CallDesk::decide(const AgentCall& call, Tool& tool, const std::string& preview) {
  const std::vector<std::string> hosts = tool.hosts(call.arguments);
  const Ruling ruling =
      rule(options_.policy, taint_, tool.effect(call.arguments), hosts, names_secret_path(call.arguments));
  if (ruling.verdict == Verdict::kAllowed) return Decision{true, "allowed", ""};
  if (ruling.verdict == Verdict::kRefused) return Decision{false, "refused", ruling.reason};
  const RememberedApproval approval = approval_of(call.name, call.arguments, hosts);
  if (ruling.can_be_remembered && parts_.approvals.has(approval)) return Decision{true, "remembered", ruling.reason};
  return ask(call, ruling, approval, preview);
}

Result<CallDesk::Decision> CallDesk::ask(const AgentCall& call, const Ruling& ruling,
                                         const RememberedApproval& approval, const std::string& preview) {
  if (!parts_.approve) {
    return Decision{false, "refused", ruling.reason + ", and nobody is there to approve it"};
  }
  ApprovalRequest request{call.name, call.arguments, preview, ruling.reason, {}};
  if (ruling.can_be_remembered) request.always = approval;
  const auto answer = parts_.approve(request);
  if (!answer) return Decision{false, "refused", answer.error().message()};
  if (*answer == ApprovalAnswer::kNo) return Decision{false, "refused", "the user said no"};
  if (*answer == ApprovalAnswer::kLater) return Decision{false, "", ruling.reason, std::move(request)};
  // A command that holds a secret is not written down: it is asked about again.
  const bool holds_secrets = parts_.secrets.filter(approval.pattern).n_secrets > 0;
  if (*answer == ApprovalAnswer::kAlways && ruling.can_be_remembered && !holds_secrets) {
    ONDOL_TRY(parts_.approvals.add(approval));
  }
  return Decision{true, "approved", ruling.reason};
}

Result<json::object> CallDesk::fail(const AgentCall& call, bool is_block, std::string text) {
  return finish(call, is_block, {std::move(text), true}, false);
}

Result<std::string> CallDesk::shown(const std::string& text, bool keeps, int& kept) {
  const int64_t most = std::max<int64_t>(std::min(options_.result_tokens, parts_.model.context_length() / 8), 32);
  const auto count = [this](std::string_view part) { return parts_.model.count_tokens(part); };
  std::string where = keeps ? "left out for good" : "ask for fewer lines";
  if (keeps && text.size() > kSmallResult) {
    kept = ONDOL_TRY(log_.session().keep_result(text));
    where = fmt::format("the whole: read_result {{\"result\": {}}}", kept);
  }
  return trim_result(text, most, count, where).text;
}

Result<json::object> CallDesk::goal_step(const AgentGoal& goal) {
  json::object step = {{"type", "goal"}, {"text", goal.text}};
  if (!goal.by.empty()) step["by"] = goal.by;
  if (goal.given.empty()) return step;
  const SecretFilter::Filtered clean = parts_.secrets.filter(printable_text(goal.given));
  int kept = 0;
  step["given_from"] = goal.given_from;
  step["given"] = ONDOL_TRY(shown(clean.text, true, kept));
  if (kept > 0) step["kept"] = kept;
  step["is_untrusted"] = true;
  if (clean.n_secrets > 0) step["has_secrets"] = true;
  return step;
}

Result<json::object> CallDesk::finish(const AgentCall& call, bool is_block, ToolResult result, bool has_secrets) {
  const SecretFilter::Filtered clean = parts_.secrets.filter(printable_text(result.text));
  json::object step = {{"type", "result"}, {"call", call.id}, {"name", call.name}};
  int kept = 0;
  // What read_result shows is in a file already.
  step["text"] = ONDOL_TRY(shown(clean.text, call.name != "read_result", kept));
  if (kept > 0) step["kept"] = kept;
  if (result.is_error) step["is_error"] = true;
  if (result.is_untrusted) step["is_untrusted"] = true;
  if (has_secrets || clean.n_secrets > 0) step["has_secrets"] = true;
  if (is_block) step["is_block"] = true;
  if (!result.structured.is_null()) step["structured"] = std::move(result.structured);
  json::object written = ONDOL_TRY(log_.add(step));
  restore(written, &call);
  return written;
}

void CallDesk::restore(const json::object& step, const AgentCall* call) {
  const bool is_untrusted = bool_or(step, "is_untrusted", false);
  taint_.has_untrusted_text |= is_untrusted;
  taint_.has_secrets |= bool_or(step, "has_secrets", false);
  const int kept = static_cast<int>(int_or(step, "kept", 0));
  if (is_untrusted && kept > 0) untrusted_results_.insert(kept);
  if (call == nullptr) return;
  const std::string key = key_of(*call);
  if (!bool_or(step, "is_error", false)) {
    failures_.erase(key);
    return;
  }
  const std::string text = string_or(step, "text", "");
  auto& [error, n] = failures_[key];
  if (n >= kRefusedAfter) return;  // it is told, not run
  n = error == text ? n + 1 : 1;
  error = text;
}

}  // namespace ondol
