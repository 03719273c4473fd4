#include "agent/acp/acp_server.h"

#include <atomic>
#include <list>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "agent/acp/turn_updates.h"
#include "agent/line_channel.h"
#include "agent/mcp/outlet.h"
#include "agent/mcp/session.h"

namespace ondol::acp {
namespace {

constexpr int kVersion = 1;
constexpr size_t kMaxLineBytes = size_t{64} << 20;
constexpr std::chrono::hours kMostTimeForPermission{12};
constexpr std::chrono::minutes kMostTimeForAnswer{30};

class LineOutlet : public mcp::Outlet {
 public:
  explicit LineOutlet(int output) : writer_(output) {}
  void send(const json::object& message) override { writer_.write(json_text(message)); }
  void finish(const json::value& answer, int) override { writer_.write(json_text(answer)); }
  void drop() override { writer_.close(); }

 private:
  LineWriter writer_;
};

struct AgentEntry {
  std::unique_ptr<SessionAgent> agent;
  std::atomic<bool> is_cancelled = false;
  bool is_running = false;
  std::thread turn;
};

class Editor : public EditorPort {
 public:
  Editor(int output, const BeginSession& begin) : outlet_(output), begin_(begin) {}

  ~Editor() override {
    is_ending_ = true;
    for (auto& [id, entry] : sessions_)
      if (entry->turn.joinable()) entry->turn.join();
  }

  void take(const std::string& line) {
    auto read = read_rpc(line);
    if (const RpcRefusal* refusal = std::get_if<RpcRefusal>(&read))
      return outlet_.send(rpc_error(refusal->id, refusal->error));
    RpcMessage& message = std::get<RpcMessage>(read);
    if (message.kind == RpcMessage::Kind::kNotification) return take_notification(message);
    if (message.kind != RpcMessage::Kind::kRequest) return peer_.take_answer(message);
    if (message.method == "initialize") {
      abilities_ = read_abilities(message.params);
      return outlet_.send(rpc_result(message.id, identity()));
    }
    if (message.method == "authenticate") return outlet_.send(rpc_result(message.id, {}));
    if (message.method == "session/new") return begin_session(message, "");
    if (message.method == "session/load") return load_session(message);
    if (message.method == "session/prompt") return prompt(message);
    refuse(message.id, kRpcMethodNotFound, "no such method: " + message.method.substr(0, 100));
  }

  void refuse(const json::value& id, int code, const std::string& why) { outlet_.send(rpc_error(id, {code, why})); }

 private:
  static json::object identity() {
    return {{"protocolVersion", kVersion},
            {"agentCapabilities",
             json::object{
                 {"loadSession", true},
                 {"promptCapabilities", json::object{{"image", false}, {"audio", false}, {"embeddedContext", true}}},
                 {"mcpCapabilities", json::object{{"http", true}, {"sse", false}}}}},
            {"authMethods", json::array()},
            {"agentInfo", json::object{{"name", "ondol"}, {"title", "Ondol"}, {"version", "0.1.0"}}}};
  }

  const EditorAbilities& abilities() const override { return abilities_; }

  Result<json::object> ask(std::string_view method, json::object params,
                           const std::function<bool()>& goes_on) override {
    return peer_.ask(outlet_, method, std::move(params), kMostTimeForAnswer,
                     [this, &goes_on] { return !is_ending_ && (!goes_on || goes_on()); });
  }

  void load_session(const RpcMessage& message) {
    const std::string id = string_or(message.params, "sessionId", "");
    if (id.empty()) return refuse(message.id, kRpcInvalidParams, "'sessionId' must be that of a session");
    if (find(message.params) != nullptr)
      return refuse(message.id, kRpcInvalidRequest, "the session is open here already");
    begin_session(message, id);
  }

  /// `loaded`: the id of a session that there is.
  void begin_session(const RpcMessage& message, const std::string& loaded) {
    const std::string folder = string_or(message.params, "cwd", "");
    if (!folder.starts_with('/')) return refuse(message.id, kRpcInvalidParams, "'cwd' must be an absolute path");
    const json::value* servers = message.params.if_contains("mcpServers");
    const bool has_servers = servers != nullptr && servers->is_array();
    auto agent =
        begin_({folder, has_servers ? read_servers(servers->get_array()) : std::vector<mcp::ConfiguredServer>(), loaded,
                *this});
    if (!agent) return refuse(message.id, kRpcInternalError, agent.error().message());
    const std::string id = (*agent)->id();
    auto entry = std::make_unique<AgentEntry>();
    entry->agent = std::move(*agent);
    if (!loaded.empty()) {
      TurnUpdates updates(id, [this](const json::object& update) { outlet_.send(update); });
      for (const json::object& step : entry->agent->steps()) updates.replay_step(step);
    }
    {
      const std::lock_guard lock(mutex_);
      sessions_[id] = std::move(entry);
    }
    outlet_.send(rpc_result(message.id, loaded.empty() ? json::object{{"sessionId", id}} : json::object()));
  }

  AgentEntry* find(const json::object& params) {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(string_or(params, "sessionId", ""));
    return found == sessions_.end() ? nullptr : found->second.get();
  }

  void take_notification(const RpcMessage& message) {
    if (message.method != "session/cancel") return;
    if (AgentEntry* entry = find(message.params)) entry->is_cancelled = true;
  }

  void prompt(const RpcMessage& message) {
    AgentEntry* entry = find(message.params);
    if (entry == nullptr) return refuse(message.id, kRpcInvalidParams, "no such session");
    const json::value* blocks = message.params.if_contains("prompt");
    const std::string goal = blocks != nullptr && blocks->is_array() ? prompt_text(blocks->get_array()) : "";
    if (goal.empty()) return refuse(message.id, kRpcInvalidParams, "'prompt' has no text");
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(entry->is_running, true))
        return refuse(message.id, kRpcInvalidRequest, "the session has a turn already; cancel it first");
    }
    if (entry->turn.joinable()) entry->turn.join();
    entry->is_cancelled = false;
    entry->turn = std::thread([this, entry, goal, id = message.id] { run_turn(*entry, goal, id); });
  }

  void run_turn(AgentEntry& entry, const std::string& goal, const json::value& id) {
    const auto goes_on = [this, &entry] { return !is_ending_ && !entry.is_cancelled; };
    TurnUpdates updates(entry.agent->id(), [this](const json::object& update) { outlet_.send(update); });
    TurnHooks hooks;
    hooks.observer = [&](const json::object& step) { updates.take_step(step); };
    hooks.stream = [&](const AnswerDelta& delta) { updates.take_delta(delta); };
    hooks.goes_on = goes_on;
    hooks.approve = [&](const ApprovalRequest& request) -> Result<ApprovalAnswer> {
      const json::object answer = ONDOL_TRY(peer_.ask(
          outlet_, "session/request_permission", updates.permission_params(request), kMostTimeForPermission, goes_on));
      return TurnUpdates::read_permission(answer);
    };
    Result<LoopOutcome> outcome = [&]() -> Result<LoopOutcome> {
      try {
        return entry.agent->run(goal, hooks);
      } catch (const std::exception& exception) {
        return Error(exception.what());
      }
    }();
    json::object answer;
    if (!outcome) {
      answer = rpc_error(id, {kRpcInternalError, outcome.error().message()});
    } else if (outcome->reason == "error" && goes_on()) {
      answer = rpc_error(id, {kRpcInternalError, outcome->text});
    } else {
      answer = rpc_result(id, {{"stopReason", goes_on() ? stop_reason(outcome->reason) : "cancelled"}});
    }
    {
      const std::lock_guard lock(mutex_);
      entry.is_running = false;
    }
    outlet_.send(answer);
  }

  LineOutlet outlet_;
  const BeginSession& begin_;
  EditorAbilities abilities_;
  mcp::Session peer_{mcp::kNewestWithHandshake, {}};  // whom permissions are asked of
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<AgentEntry>> sessions_;
  std::atomic<bool> is_ending_ = false;
};

/// [{"name", "value"}], joined.
std::vector<std::string> pairs(const json::value& server, std::string_view member, std::string_view joint) {
  std::vector<std::string> all;
  const json::value* found = find_member(server, member);
  if (found == nullptr || !found->is_array()) return all;
  for (const json::value& one : found->get_array()) {
    std::string text = fmt::format("{}{}{}", string_or(one, "name", ""), joint, string_or(one, "value", ""));
    if (text.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos) all.push_back(std::move(text));
  }
  return all;
}

}  // namespace

std::string prompt_text(const json::array& blocks) {
  std::string text;
  for (const json::value& block : blocks) {
    const std::string type = string_or(block, "type", "");
    const json::value* resource = find_member(block, "resource");
    std::string piece;
    if (type == "text") {
      piece = string_or(block, "text", "");
    } else if (type == "resource" && resource != nullptr) {
      piece = fmt::format("{}:\n{}", string_or(*resource, "uri", ""), string_or(*resource, "text", "(not a text)"));
    } else if (type == "resource_link") {
      piece = string_or(block, "uri", "");
    } else {
      piece = fmt::format("({}, which cannot be read here)", type);
    }
    if (!text.empty() && !piece.empty()) text += '\n';
    text += piece;
  }
  return text;
}

std::vector<mcp::ConfiguredServer> read_servers(const json::array& servers) {
  std::vector<mcp::ConfiguredServer> all;
  for (const json::value& value : servers) {
    mcp::ConfiguredServer server;
    server.name = server.command.name = server.url.name = string_or(value, "name", "server");
    const std::string command = string_or(value, "command", "");
    if (string_or(value, "type", "") == "http") {
      server.url.url = string_or(value, "url", "");
      server.url.headers = pairs(value, "headers", ": ");
    } else if (!command.empty()) {
      server.command.arguments = {command};
      const json::value* arguments = find_member(value, "args");
      if (arguments != nullptr && arguments->is_array())
        for (const json::value& one : arguments->get_array())
          if (one.is_string()) server.command.arguments.emplace_back(one.get_string());
      server.command.environment = pairs(value, "env", "=");
    } else {
      continue;
    }
    all.push_back(std::move(server));
  }
  return all;
}

void serve(int input, int output, const BeginSession& begin, const std::function<bool()>& goes_on) {
  Editor editor(output, begin);
  LineReader reader(input, kMaxLineBytes);
  std::string line;
  while (goes_on()) {
    const LineReader::Got got = reader.next(line, 100);
    if (got == LineReader::Got::kEnd) return;
    if (got == LineReader::Got::kTooLong) editor.refuse(nullptr, kRpcInvalidRequest, "the message is too long");
    if (got == LineReader::Got::kLine && line.find_first_not_of(" \t") != std::string::npos) editor.take(line);
  }
}

}  // namespace ondol::acp
