#include "agent/acp/turn_updates.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/json_rpc.h"
#include "text/unicode.h"

namespace ondol::acp {
namespace {

constexpr size_t kMostShownBytes = 20'000;

std::string_view kind_of(std::string_view tool) {
  const auto has = [&](std::string_view word) { return tool.find(word) != std::string_view::npos; };
  if (has("read") || has("list")) return "read";
  if (has("write") || has("edit")) return "edit";
  if (has("search") || has("find")) return "search";
  if (has("shell") || has("python")) return "execute";
  return has("fetch") ? "fetch" : "other";
}

json::array text_content(std::string text) {
  if (text.size() > kMostShownBytes) {
    text.resize(kMostShownBytes);
    text.resize(text.size() - unfinished_utf8_suffix(text));
    text += "...";
  }
  return {json::object{{"type", "content"}, {"content", json::object{{"type", "text"}, {"text", std::move(text)}}}}};
}

}  // namespace

std::string_view stop_reason(std::string_view reason) {
  if (reason == "turns") return "max_turn_requests";
  if (reason == "tokens" || reason == "seconds" || reason == "context") return "max_tokens";
  return reason == "cancelled" ? "cancelled" : "end_turn";
}

void TurnUpdates::update(json::object fields) {
  send_(rpc_notification("session/update", {{"sessionId", session_}, {"update", std::move(fields)}}));
}

void TurnUpdates::take_delta(const AnswerDelta& delta) {
  const bool is_thought = delta.kind == AnswerDelta::Kind::kReasoning;
  if (!is_thought && delta.kind != AnswerDelta::Kind::kContent) return;
  say(is_thought ? "agent_thought_chunk" : "agent_message_chunk", delta.text);
}

void TurnUpdates::say(std::string_view update_name, const std::string& text) {
  if (text.empty()) return;
  update({{"sessionUpdate", update_name}, {"content", json::object{{"type", "text"}, {"text", text}}}});
}

void TurnUpdates::replay_step(const json::object& step) {
  const std::string type = string_or(step, "type", "");
  if (type == "goal") say("user_message_chunk", string_or(step, "text", ""));
  if (type == "answer") {
    say("agent_thought_chunk", string_or(step, "reasoning", ""));
    say("agent_message_chunk", string_or(step, "content", ""));
  }
  take_step(step);
}

void TurnUpdates::take_step(const json::object& step) {
  const std::string type = string_or(step, "type", "");
  if (type == "answer") {
    awaited_.clear();
    const json::value* calls = step.if_contains("calls");
    if (calls == nullptr || !calls->is_array()) return;
    for (const json::value& call : calls->get_array()) {
      const json::value* arguments = find_member(call, "arguments");
      awaited_.push_back({string_or(call, "id", ""), string_or(call, "name", ""),
                          arguments != nullptr && arguments->is_object() ? arguments->get_object() : json::object()});
    }
  } else if (type == "call") {
    take_call(step);
  } else if (type == "result") {
    update({{"sessionUpdate", "tool_call_update"},
            {"toolCallId", string_or(step, "call", "")},
            {"status", bool_or(step, "is_error", false) ? "failed" : "completed"},
            {"content", text_content(string_or(step, "text", ""))}});
  }
}

void TurnUpdates::take_call(const json::object& step) {
  const std::string id = string_or(step, "call", "");
  AwaitedCall call{id, string_or(step, "name", ""), {}};
  const auto found = std::find_if(awaited_.begin(), awaited_.end(), [&](const auto& one) { return one.id == id; });
  if (found != awaited_.end()) {
    call = std::move(*found);
    awaited_.erase(found);
  }
  const std::string_view status = string_or(step, "verdict", "") == "refused" ? "failed" : "in_progress";
  if (shown_.contains(id)) {
    update({{"sessionUpdate", "tool_call_update"}, {"toolCallId", id}, {"status", status}});
  } else {
    show_call(call, string_or(step, "preview", ""), status);
  }
}

void TurnUpdates::show_call(const AwaitedCall& call, std::string_view preview, std::string_view status) {
  shown_.insert(call.id);
  json::object fields{{"sessionUpdate", "tool_call"}, {"toolCallId", call.id}, {"title", call.name},
                      {"kind", kind_of(call.name)},   {"status", status},      {"rawInput", call.arguments}};
  if (!preview.empty()) fields["content"] = text_content(std::string(preview));
  update(std::move(fields));
}

json::object TurnUpdates::permission_params(const ApprovalRequest& request) {
  AwaitedCall call{"call", request.tool, request.arguments};
  for (const AwaitedCall& one : awaited_) {
    if (one.name != request.tool || one.arguments != request.arguments) continue;
    call = one;
    break;
  }
  show_call(call, request.preview, "pending");
  json::array options{json::object{{"optionId", "once"}, {"name", "Allow"}, {"kind", "allow_once"}}};
  if (request.always)
    options.push_back(json::object{{"optionId", "always"}, {"name", "Always allow"}, {"kind", "allow_always"}});
  options.push_back(json::object{{"optionId", "no"}, {"name", "Refuse"}, {"kind", "reject_once"}});
  json::object tool_call{
      {"toolCallId", call.id},         {"title", fmt::format("{}: {}", request.tool, request.reason)},
      {"kind", kind_of(request.tool)}, {"status", "pending"},
      {"rawInput", request.arguments}, {"content", text_content(request.preview)}};
  return {{"sessionId", session_}, {"toolCall", std::move(tool_call)}, {"options", std::move(options)}};
}

Result<ApprovalAnswer> TurnUpdates::read_permission(const json::object& answer) {
  const json::value* outcome = answer.if_contains("outcome");
  if (outcome == nullptr || string_or(*outcome, "outcome", "") != "selected") return ApprovalAnswer::kNo;
  const std::string option = string_or(*outcome, "optionId", "");
  if (option == "always") return ApprovalAnswer::kAlways;
  return option == "once" ? ApprovalAnswer::kOnce : ApprovalAnswer::kNo;
}

}  // namespace ondol::acp
