#include <fmt/format.h>

#include "agent/tools/plain_tool.h"
#include "agent/tools/text_diff.h"
#include "agent/tools/tools.h"
#include "agent/workspace.h"

namespace ondol {
namespace {

class EditFile : public PlainTool {
 public:
  EditFile()
      : PlainTool("edit_file",
                  "Replaces one passage of a file. old_text must be in the file exactly once, with its spaces and line "
                  "breaks.",
                  R"({"path": {"type": "string"}, "old_text": {"type": "string"}, "new_text": {"type": "string"}})",
                  R"(["path", "old_text", "new_text"])", Effect::kChangesWorkspace) {}

  Result<std::string> preview(const json::object& arguments, ToolContext& context) override {
    const Change change = ONDOL_TRY(change_of(arguments, context));
    return unified_diff(change.path, change.before, change.after);
  }

  Result<ToolResult> call(const json::object& arguments, ToolContext& context) override {
    const auto change = change_of(arguments, context);
    if (!change) return mistake(change.error().message());
    const auto written = context.write_file(change->path, change->after);
    if (!written) return mistake(written.error().message());
    return words(fmt::format("{}: changed", change->path));
  }

 private:
  struct Change {
    std::string path;
    std::string before;
    std::string after;
  };

  static Result<Change> change_of(const json::object& arguments, ToolContext& context) {
    Change change;
    change.path = ONDOL_TRY(context.workspace.resolve(string_or(arguments, "path", "")));
    change.before = ONDOL_TRY(context.read_file(change.path));
    const std::string old_text = string_or(arguments, "old_text", "");
    if (old_text.empty()) return Error("old_text: expected the passage to replace; write_file makes new files");
    const size_t at = change.before.find(old_text);
    if (at == std::string::npos)
      return Error(fmt::format("{}: old_text is not in the file; read the file and copy the passage", change.path));
    if (change.before.find(old_text, at + 1) != std::string::npos)
      return Error(fmt::format("{}: old_text is in the file more than once; take more lines around it", change.path));
    change.after = change.before;
    change.after.replace(at, old_text.size(), string_or(arguments, "new_text", ""));
    if (change.after == change.before) return Error("new_text is the same as old_text");
    return change;
  }
};

}  // namespace

std::unique_ptr<Tool> make_edit_file() {
  return std::make_unique<EditFile>();
}

}  // namespace ondol
