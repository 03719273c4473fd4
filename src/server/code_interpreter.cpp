#include "server/code_interpreter.h"

#include <fmt/format.h>

#include "agent/program_result.h"
#include "server/container_files.h"

namespace ondol::server {
namespace {

constexpr size_t kMostFiles = 64;
constexpr uint64_t kLeastRoom = uint64_t{1} << 20;

constexpr const char* kDescription =
    "Runs a Python 3 program on this machine, without network, and gives what it prints. Each call is a program of its "
    "own: variables are gone afterwards, files in the current folder stay.";

std::optional<HttpError> put_files(const FileStore& files, const CodeTool& tool, uint64_t most_bytes,
                                   CodeContainer& container) {
  const std::lock_guard lock(container.mutex);
  for (const std::string& id : tool.files) {
    if (container.files.contains(id)) continue;
    const auto file = files.find(id, container.owner);
    HttpError error = make_error(404, fmt::format("container.file_ids: there is no file '{}'", id), "file_not_found");
    const auto put = file ? put_in_container(container, *file, most_bytes) : Result<ContainerFile>(Error("no file"));
    if (file && !put) {
      error = make_error(400,
                         fmt::format("container.file_ids: '{}' could not be put there: {}", id, put.error().message()));
    }
    error.parameter = "tools";
    if (!put) return error;
    container.files.insert(id);
  }
  return {};
}

HostedResult result_with(std::string text, HostedResult::End end) {
  HostedResult result;
  result.end = end;
  result.shown["outputs"] = json::array{json::object{{"type", "logs"}, {"logs", text}}};
  result.text = std::move(text);
  return result;
}

}  // namespace

CodeTool read_code_tool(const Fields& fields) {
  CodeTool tool;
  const json::value* container = fields.find("container");
  if (container != nullptr && container->is_string()) {
    tool.container = container->get_string();
    return tool;
  }
  const json::object* object = fields.object("container");
  if (object == nullptr) {
    fields.fail("container", fields.path_of("container") + ": expected {\"type\": \"auto\"} or the id of a container");
    return tool;
  }
  const Fields inner(*object, fields.fault(), fields.path_of("container"));
  const std::string type = inner.required_text("type");
  if (type != "auto") inner.fail("type", fmt::format("{}: expected auto, got '{}'", inner.path_of("type"), type));
  tool.files = inner.texts("file_ids");
  if (tool.files.size() > kMostFiles)
    inner.fail("file_ids", fmt::format("{}: expected at most {} files", inner.path_of("file_ids"), kMostFiles));
  return tool;
}

ToolDefinition code_tool_definition() {
  ToolDefinition tool;
  tool.name = "code_interpreter";
  tool.description = kDescription;
  tool.strict = true;
  json::object properties;
  properties["code"] = json::object{{"type", "string"}};
  json::object parameters = {{"type", "object"}, {"required", json::array{"code"}}};
  parameters["properties"] = std::move(properties);
  parameters["additionalProperties"] = false;
  tool.parameters = std::move(parameters);
  return tool;
}

std::string code_of_call(const std::string& arguments) {
  const auto parsed = parse_json(arguments);
  return parsed ? string_or(*parsed, "code", "") : "";
}

ReadyContainer ready_container(HostedTools& hosted, const FileStore& files, const CodeTool& tool,
                               const std::vector<std::string>& earlier, const std::string& owner) {
  ReadyContainer ready;
  if (const auto sandbox = hosted.sandbox(); !sandbox) {
    ready.error = make_error(503, "code_interpreter: " + sandbox.error().message(), "no_sandbox");
    ready.error->parameter = "tools";
    return ready;
  }
  CodeContainers& containers = hosted.containers();
  if (!tool.container.empty()) {
    ready.container = containers.find(tool.container, owner);
    if (ready.container) return ready;
    ready.error = make_error(404, fmt::format("there is no container '{}'; it may have expired", tool.container),
                             "container_not_found");
    ready.error->parameter = "tools";
    return ready;
  }
  for (auto id = earlier.rbegin(); id != earlier.rend() && !ready.container; ++id)
    ready.container = containers.find(*id, owner);
  if (!ready.container) {
    auto made = containers.make(owner);
    if (!made) {
      ready.error = make_error(503, "code_interpreter: " + made.error().message(), "no_container");
      return ready;
    }
    ready.container = std::move(*made);
    hosted.watch_containers();
  }
  ready.error = put_files(files, tool, containers.limits().bytes, *ready.container);
  return ready;
}

HostedResult run_code(HostedTools& hosted, CodeContainer& container, const std::string& code,
                      const std::function<bool()>& goes_on) {
  using End = HostedResult::End;
  const auto sandbox = hosted.sandbox();
  if (!sandbox) return result_with(sandbox.error().message(), End::kFailed);
  const std::lock_guard lock(container.mutex);
  const CodeContainerLimits& limits = hosted.containers().limits();
  const uint64_t used = used_bytes(container);
  if (used + kLeastRoom > limits.bytes)
    return result_with(fmt::format("The folder is full: {} MiB. Nothing was run.", used >> 20), End::kFailed);
  SandboxedCommand command;
  command.arguments = {"python3", "-"};
  command.input = code;
  command.workspace = container.place.path();
  command.limits.seconds = limits.program_seconds;
  command.limits.memory_bytes = limits.memory_bytes;
  command.limits.disk_bytes = limits.bytes - used;
  const auto run = (*sandbox)->run(command, goes_on);
  if (!run) return result_with(run.error().message(), End::kFailed);
  return result_with(program_result(*run, command.limits).text, run->was_stopped ? End::kIncomplete : End::kCompleted);
}

std::string text_of_outputs(const json::value* outputs) {
  if (outputs == nullptr || !outputs->is_array()) return "What was printed is not kept.";
  std::string text;
  for (const json::value& output : outputs->get_array()) text += string_or(output, "logs", "");
  return text.empty() ? "(no output)" : text;
}

}  // namespace ondol::server
