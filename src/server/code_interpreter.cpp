#include "server/code_interpreter.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "agent/program_result.h"
#include "agent/workspace.h"
#include "base/files.h"

namespace ondol::server {
namespace {

constexpr size_t kMostFiles = 64;
constexpr size_t kMostNameBytes = 200;
constexpr uint64_t kLeastRoom = uint64_t{1} << 20;

constexpr const char* kDescription =
    "Runs a Python 3 program on this machine, without network, and gives what it prints. Each call is a program of its "
    "own: variables are gone afterwards, files in the current folder stay.";

/// What the files of a container take.
uint64_t used_bytes(const std::string& folder) {
  namespace fs = std::filesystem;
  uint64_t bytes = 0;
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator entry(folder, options, error), last; !error && entry != last;
       entry.increment(error)) {
    std::error_code unread;
    if (entry->symlink_status(unread).type() == fs::file_type::regular) bytes += entry->file_size(unread);
  }
  return bytes;
}

/// A name without folders, and not hidden.
std::string plain_name(const KeptFile& file) {
  std::string name = file.name.substr(file.name.find_last_of('/') + 1);
  std::erase_if(name, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\\'; });
  while (name.starts_with('.')) name.erase(0, 1);
  return name.empty() || name.size() > kMostNameBytes ? file.id : name;
}

std::optional<HttpError> put_file(const Workspace& workspace, const KeptFile& file, uint64_t most_bytes) {
  auto content = read_file(file.path, most_bytes);
  const auto written = content ? workspace.write_file(plain_name(file), *content) : Result<void>(content.error());
  if (written) return {};
  HttpError error = make_error(
      400, fmt::format("container.file_ids: '{}' could not be put there: {}", file.id, written.error().message()));
  error.parameter = "tools";
  return error;
}

std::optional<HttpError> put_files(const FileStore& files, const CodeTool& tool, uint64_t most_bytes,
                                   CodeContainer& container) {
  const std::lock_guard lock(container.mutex);
  auto workspace = Workspace::open(container.place.path());
  if (!workspace) return make_error(500, workspace.error().message());
  for (const std::string& id : tool.files) {
    if (container.files.contains(id)) continue;
    const auto file = files.find(id, container.owner);
    const uint64_t used = used_bytes(container.place.path());
    HttpError error = make_error(404, fmt::format("container.file_ids: there is no file '{}'", id), "file_not_found");
    if (file && file->size_bytes + used > most_bytes)
      error = make_error(400, fmt::format("container.file_ids: expected at most {} MiB in all", most_bytes >> 20));
    error.parameter = "tools";
    if (!file || file->size_bytes + used > most_bytes) return error;
    if (auto failed = put_file(*workspace, *file, most_bytes)) return failed;
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
  const uint64_t used = used_bytes(container.place.path());
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
