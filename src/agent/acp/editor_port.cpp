#include "agent/acp/editor_port.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "agent/printable_text.h"
#include "agent/tools/plain_tool.h"
#include "agent/workspace.h"

namespace ondol::acp {
namespace {

constexpr int64_t kMostOutputBytes = 1 << 20;
constexpr std::chrono::seconds kMostTime{600};

bool flag(const json::value* object, std::string_view name) {
  return object != nullptr && bool_or(*object, name, false);
}

/// A file that lies in the workspace, or a place where one can be made: nothing that leads elsewhere, or is protected.
Result<std::string> checked(const Workspace& workspace, std::string_view path) {
  const std::string plain = ONDOL_TRY(workspace.resolve(path));
  std::error_code error;
  const std::filesystem::path place = std::filesystem::path(workspace.root()) / plain;
  if (std::filesystem::symlink_status(place, error).type() != std::filesystem::file_type::not_found) {
    ONDOL_TRY(workspace.read_file(plain));
  } else if (const std::string folder = std::filesystem::path(plain).parent_path().string(); !folder.empty()) {
    ONDOL_TRY(workspace.list(folder));
  }
  return place.string();
}

class RunInTerminal final : public PlainTool {
 public:
  RunInTerminal(EditorPort& port, std::string session)
      : PlainTool("run_in_terminal",
                  "Runs a command in a terminal of the user's editor, with everything that the user has. For what must "
                  "run outside of the sandbox only.",
                  R"({"command": {"type": "string"}})", R"(["command"])", Effect::kReachesOut),
        port_(port),
        session_(std::move(session)) {}

  Result<std::string> preview(const json::object& arguments, ToolContext&) override {
    const std::string command = string_or(arguments, "command", "");
    if (command.find_first_not_of(" \t\r\n") == command.npos) return Error("command: is empty");
    return "run in the editor's terminal, NOT confined:\n" + printable_text(command);
  }

  Result<ToolResult> call(const json::object& arguments, ToolContext& context) override {
    const auto created = port_.ask("terminal/create",
                                   {{"sessionId", session_},
                                    {"command", "sh"},
                                    {"args", json::array{"-c", string_or(arguments, "command", "")}},
                                    {"cwd", context.workspace.root()},
                                    {"outputByteLimit", kMostOutputBytes}},
                                   context.goes_on);
    if (!created) return mistake(created.error().message());
    const std::string id = string_or(*created, "terminalId", "");
    const auto begin = std::chrono::steady_clock::now();
    const auto goes_on = [&] {
      return (!context.goes_on || context.goes_on()) && std::chrono::steady_clock::now() - begin < kMostTime;
    };
    const auto ended = ask("terminal/wait_for_exit", id, goes_on);
    // What is not awaited any more must not go on unseen.
    if (!ended) (void)ask("terminal/kill", id, {});
    const auto output = ask("terminal/output", id, {});
    (void)ask("terminal/release", id, {});
    return result_of(ended, output);
  }

 private:
  Result<json::object> ask(std::string_view method, const std::string& id, const std::function<bool()>& goes_on) {
    return port_.ask(method, {{"sessionId", session_}, {"terminalId", id}}, goes_on);
  }

  static ToolResult result_of(const Result<json::object>& ended, const Result<json::object>& output) {
    if (!output) return mistake(output.error().message());
    std::string text = printable_text(string_or(*output, "output", ""));
    if (bool_or(*output, "truncated", false)) text = "[more output was cut off]\n" + text;
    const int64_t status = ended ? int_or(*ended, "exitCode", -1) : -1;
    if (!ended)
      text += "\n[stopped]";
    else if (status != 0)
      text += status < 0 ? fmt::format("\n[ended by signal {}]", string_or(*ended, "signal", "?"))
                         : fmt::format("\n[exit status {}]", status);
    ToolResult result = foreign_words(text.empty() ? "(no output)" : std::move(text));
    result.is_error = !ended || status != 0;
    return result;
  }

  EditorPort& port_;
  const std::string session_;
};

}  // namespace

EditorAbilities read_abilities(const json::object& params) {
  const json::value* abilities = params.if_contains("clientCapabilities");
  const json::value* files = abilities != nullptr ? find_member(*abilities, "fs") : nullptr;
  return {flag(files, "readTextFile"), flag(files, "writeTextFile"), flag(abilities, "terminal")};
}

void use_editor_files(EditorPort& port, const std::string& session, ToolContext& context) {
  if (port.abilities().reads_files) {
    context.read_elsewhere = [&port, &context, session](std::string_view path) -> Result<std::string> {
      const std::string place = ONDOL_TRY(checked(context.workspace, path));
      const auto answer = port.ask("fs/read_text_file", {{"sessionId", session}, {"path", place}}, context.goes_on);
      const json::value* content = answer ? answer->if_contains("content") : nullptr;
      if (content != nullptr && content->is_string()) return std::string(content->get_string());
      return context.workspace.read_file(path);
    };
  }
  if (port.abilities().writes_files) {
    context.write_elsewhere = [&port, &context, session](std::string_view path,
                                                         std::string_view content) -> Result<void> {
      const auto place = checked(context.workspace, path);
      // A new folder is made here; and what is refused is refused in the workspace's own words.
      if (!place) return context.workspace.write_file(path, content);
      const json::object params = {{"sessionId", session}, {"path", *place}, {"content", content}};
      if (port.ask("fs/write_text_file", params, context.goes_on)) return {};
      return context.workspace.write_file(path, content);
    };
  }
}

std::unique_ptr<Tool> make_terminal_tool(EditorPort& port, const std::string& session) {
  if (!port.abilities().has_terminals) return nullptr;
  return std::make_unique<RunInTerminal>(port, session);
}

}  // namespace ondol::acp
