// run_shell and run_python: programs that the model wrote, in the sandbox.
#include <unistd.h>

#include <utility>

#include <fmt/format.h>

#include "agent/printable_text.h"
#include "agent/program_result.h"
#include "agent/tools/plain_tool.h"
#include "agent/tools/tools.h"
#include "agent/workspace.h"

namespace ondol {
namespace {

class RunProgram : public PlainTool {
 public:
  struct Language {
    const char* tool;
    const char* description;
    const char* argument;
    const char* program;
    bool takes_text;  // as an argument, and not from its input
  };

  RunProgram(const Language& language, std::string proxy_socket, std::vector<std::string> host_names)
      : PlainTool(language.tool, language.description,
                  fmt::format(R"({{"{}": {{"type": "string"}}{}}})", language.argument,
                              proxy_socket.empty() ? "" : R"(, "network": {"type": "boolean"})"),
                  fmt::format(R"(["{}"])", language.argument), Effect::kChangesWorkspace),
        language_(language),
        proxy_socket_(std::move(proxy_socket)),
        host_names_(std::move(host_names)) {}

  Effect effect(const json::object& arguments) const override {
    return wants_network(arguments) ? Effect::kReachesOut : Effect::kChangesWorkspace;
  }

  std::vector<std::string> hosts(const json::object& arguments) const override {
    return wants_network(arguments) ? host_names_ : std::vector<std::string>();
  }

  Result<std::string> preview(const json::object& arguments, ToolContext&) override {
    const std::string script = string_or(arguments, language_.argument, "");
    if (script.find_first_not_of(" \t\r\n") == script.npos)
      return Error(fmt::format("{}: is empty", language_.argument));
    return fmt::format(
        "run with {}{}:\n{}", language_.program,
        wants_network(arguments) ? fmt::format(" and the network ({})", fmt::join(host_names_, ", ")) : "",
        printable_text(script));
  }

  Result<ToolResult> call(const json::object& arguments, ToolContext& context) override {
    SandboxedCommand command;
    const std::string script = string_or(arguments, language_.argument, "");
    if (language_.takes_text) {
      command.arguments = {language_.program, "-c", script};
    } else {
      command.arguments = {language_.program, "-"};
      command.input = script;
    }
    command.workspace = context.workspace.root();
    command.hidden = context.workspace.hidden();
    if (wants_network(arguments)) command.proxy_socket = proxy_socket_;
    const SandboxedRun run = ONDOL_TRY(context.sandbox.run(command, context.goes_on));
    return program_result(run, command.limits);
  }

 private:
  bool wants_network(const json::object& arguments) const {
    return !proxy_socket_.empty() && bool_or(arguments, "network", false);
  }

  Language language_;
  std::string proxy_socket_;
  std::vector<std::string> host_names_;
};

/// bash where there is one: models write for it. Debian's sh also takes it for an error when a child's end interrupts a
/// fork that waits at the sandbox's gate (cell/fork_gate.h).
RunProgram::Language shell() {
  const bool has_bash = ::access("/bin/bash", X_OK) == 0 || ::access("/usr/bin/bash", X_OK) == 0;
  return {"run_shell", "Runs a shell command in the workspace, confined.", "command", has_bash ? "bash" : "sh", true};
}

constexpr RunProgram::Language kPython = {
    "run_python", "Runs a Python program in the workspace, confined; print what you need.", "code", "python3", false};

}  // namespace

std::unique_ptr<Tool> make_run_shell(std::string proxy_socket, std::vector<std::string> host_names) {
  return std::make_unique<RunProgram>(shell(), std::move(proxy_socket), std::move(host_names));
}

std::unique_ptr<Tool> make_run_python(std::string proxy_socket, std::vector<std::string> host_names) {
  return std::make_unique<RunProgram>(kPython, std::move(proxy_socket), std::move(host_names));
}

}  // namespace ondol
