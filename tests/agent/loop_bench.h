// LoopBench: a loop with a scripted model and tools that only remember that they ran.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/loop.h"
#include "agent/sandbox.h"
#include "agent/workspace.h"
#include "tests/agent/scripted_model.h"
#include "tests/agent/temporary_folder.h"
#include "tests/formats/temporary_folder.h"

namespace ondol {

/// Does what a test says, and counts its calls.
class SampleTool final : public Tool {
 public:
  using Body = std::function<Result<ToolResult>(const json::object& arguments)>;

  SampleTool(std::string name, std::string description, Effect effect, Body body,
             std::string_view schema = R"({"type": "object", "properties": {"path": {"type": "string"}},
                                           "required": ["path"]})")
      : definition_{std::move(name), std::move(description), *parse_json(schema)},
        effect_(effect),
        body_(std::move(body)) {}

  const ToolDefinition& definition() const override { return definition_; }
  Effect effect(const json::object&) const override { return effect_; }
  std::vector<std::string> hosts(const json::object& arguments) const override {
    const std::string host = string_or(arguments, "host", "");
    return host.empty() ? std::vector<std::string>() : std::vector<std::string>{host};
  }
  Result<std::string> preview(const json::object& arguments, ToolContext&) override {
    if (string_or(arguments, "path", "") == "impossible") return Error("there is no such place");
    return definition_.name + " " + json_text(arguments);
  }
  Result<ToolResult> call(const json::object& arguments, ToolContext&) override {
    calls.push_back(arguments);
    return body_(arguments);
  }

  std::vector<json::object> calls;

 private:
  ToolDefinition definition_;
  Effect effect_;
  Body body_;
};

class NoSandbox final : public Sandbox {
 public:
  Kind kind() const override { return Kind::kLandlock; }
  std::string description() const override { return "none"; }
  Result<SandboxedRun> run(const SandboxedCommand&, const std::function<bool()>&) override {
    return Error("nothing runs here");
  }
};

class LoopBench {
 public:
  explicit LoopBench(std::vector<std::string> answers, int64_t context = 8192, std::string_view source = kToolTemplate)
      : model(std::move(answers), context, source),
        workspace_(Workspace::open(folder.path()).value()),
        context_{workspace_, sandbox_, [this] { return goes_on; }, {}} {
    options.policy.scope = Scope::kFull;
    add("read_file", "Read a file of the workspace.", Effect::kReads, [this](const json::object& arguments) {
      const auto file = files.find(string_or(arguments, "path", ""));
      if (file == files.end()) return ToolResult{"there is no such file", true};
      return ToolResult{file->second, false, true};
    });
    add(
        "write_file", "Write a file of the workspace.", Effect::kChangesWorkspace,
        [](const json::object&) -> Result<ToolResult> { return ToolResult{"written"}; },
        R"({"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
            "required": ["path", "content"]})");
    add(
        "run_shell", "Run a shell command.", Effect::kChangesWorkspace,
        [](const json::object&) {
          return ToolResult{"exit status 0", false, true};
        },
        R"({"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]})");
    add(
        "fetch", "Fetch a page from the web.", Effect::kReachesOut,
        [](const json::object&) {
          return ToolResult{"page", false, true};
        },
        R"({"type": "object", "properties": {"host": {"type": "string"}, "path": {"type": "string"}},
            "required": ["host"]})");
  }

  SampleTool& add(const std::string& name, const std::string& description, Effect effect, SampleTool::Body body,
                  std::string_view schema = R"({"type": "object", "properties": {"path": {"type": "string"}},
                                                "required": ["path"]})") {
    tools.push_back(std::make_unique<SampleTool>(name, description, effect, std::move(body), schema));
    return *tools.back();
  }

  SampleTool& tool(const std::string& name) {
    for (const auto& tool : tools) {
      if (tool->definition().name == name) return *tool;
    }
    ADD_FAILURE() << name;
    return *tools.front();
  }

  std::string sessions() const { return folder.path() + "/sessions"; }

  /// Begins a session with the first goal.
  LoopOutcome run(const std::string& goal) {
    if (!session) session.emplace(AgentSession::create(sessions(), {{"workspace", "/w"}}).value());
    LoopParts parts{.model = model,
                    .tools = {},
                    .context = real_sandbox == nullptr ? context_ : real_context(),
                    .session = *session,
                    .approvals = approvals,
                    .secrets = secrets,
                    .skills = skills,
                    .approve = {},
                    .observer = [this](const json::object& step) { seen.push_back(step); },
                    .stream = {},
                    .seconds_now = [this] { return now; }};
    if (approve) parts.approve = approve;
    for (const auto& tool : tools) parts.tools.push_back(tool.get());
    if (!instead.empty()) parts.tools.clear();
    for (const auto& tool : instead) parts.tools.push_back(tool.get());
    AgentLoop loop(std::move(parts), options);
    auto outcome = loop.run(goal);
    EXPECT_TRUE(outcome) << outcome.error().message();
    taint = loop.taint();
    return outcome ? *outcome : LoopOutcome{};
  }

  /// As another process would find it.
  void reopen() {
    const std::string id = session->id();
    session.reset();
    session.emplace(AgentSession::open(sessions(), id).value());
  }

  std::vector<json::object> steps(const std::string& type) const {
    std::vector<json::object> found;
    for (const json::object& step : session->steps()) {
      if (string_or(step, "type", "") == type) found.push_back(step);
    }
    return found;
  }

  /// Says yes, no or always to everything, and remembers what was asked.
  void answer_with(ApprovalAnswer answer) {
    approve = [this, answer](const ApprovalRequest& request) -> Result<ApprovalAnswer> {
      asked.push_back(request);
      return answer;
    };
  }

  TestFolder folder;
  ScriptedModel model;
  LoopOptions options;
  std::map<std::string, std::string> files;
  std::vector<std::unique_ptr<SampleTool>> tools;
  std::span<const std::unique_ptr<Tool>> instead;  // of the tools
  Sandbox* real_sandbox = nullptr;
  std::optional<AgentSession> session;
  ApprovalMemory approvals = ApprovalMemory::open("", "/w").value();
  SecretFilter secrets;
  std::vector<Skill> skills;
  std::function<Result<ApprovalAnswer>(const ApprovalRequest&)> approve;
  std::vector<ApprovalRequest> asked;
  std::vector<json::object> seen;
  Taint taint;
  bool goes_on = true;
  double now = 0;

 private:
  ToolContext& real_context() {
    return whole_context_.emplace(ToolContext{workspace_, *real_sandbox, [this] { return goes_on; }, {}});
  }

  Workspace workspace_;  // these tools use neither
  NoSandbox sandbox_;
  ToolContext context_;
  std::optional<ToolContext> whole_context_;
};

}  // namespace ondol
