#include <fmt/format.h>

#include "agent/tools/plain_tool.h"
#include "agent/tools/text_diff.h"
#include "agent/tools/tools.h"
#include "agent/workspace.h"

namespace ondol {
namespace {

class WriteFile : public PlainTool {
 public:
  WriteFile()
      : PlainTool("write_file", "Writes a whole file of the workspace, new or in the place of the old one.",
                  R"({"path": {"type": "string"}, "content": {"type": "string"}})", R"(["path", "content"])",
                  Effect::kChangesWorkspace) {}

  Result<std::string> preview(const json::object& arguments, ToolContext& context) override {
    const std::string path = ONDOL_TRY(context.workspace.resolve(string_or(arguments, "path", "")));
    if (path.empty() || context.workspace.is_folder(path)) return Error(fmt::format("'{}': expected a file", path));
    const auto before = context.read_file(path);
    const std::string diff = unified_diff(path, before ? *before : "", string_or(arguments, "content", ""));
    return diff.empty() ? fmt::format("{} stays as it is", path) : diff;
  }

  Result<ToolResult> call(const json::object& arguments, ToolContext& context) override {
    const std::string path = string_or(arguments, "path", ""), content = string_or(arguments, "content", "");
    const auto written = context.write_file(path, content);
    if (!written) return mistake(written.error().message());
    return words(fmt::format("{}: written, {} bytes", path, content.size()));
  }
};

}  // namespace

std::unique_ptr<Tool> make_write_file() {
  return std::make_unique<WriteFile>();
}

}  // namespace ondol
