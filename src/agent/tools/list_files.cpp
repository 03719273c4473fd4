#include <fmt/format.h>

#include "agent/printable_text.h"
#include "agent/tools/plain_tool.h"
#include "agent/tools/tools.h"
#include "agent/tools/workspace_walk.h"

namespace ondol {
namespace {

constexpr int kMostFiles = 500;
constexpr int kAllDepths = 64;

class ListFiles : public PlainTool {
 public:
  ListFiles()
      : PlainTool("list_files", "Lists the files of a folder of the workspace; all below it if recursive.",
                  R"({"path": {"type": "string", "description": "\"\" is the workspace"},
                      "recursive": {"type": "boolean"}})",
                  "[]", Effect::kReads) {}

  Result<std::string> preview(const json::object& arguments, ToolContext& context) override {
    return "list /" + ONDOL_TRY(context.workspace.resolve(string_or(arguments, "path", "")));
  }

  Result<ToolResult> call(const json::object& arguments, ToolContext& context) override {
    std::string text;
    int n_files = 0;
    const int depth = bool_or(arguments, "recursive", false) ? kAllDepths : 1;
    const auto walked =
        walk_workspace(context.workspace, string_or(arguments, "path", ""), depth, [&](const WalkedFile& file) {
          if (++n_files > kMostFiles) return false;
          text += file.is_folder ? fmt::format("{}/\n", file.path)
                                 : fmt::format("{} ({} bytes)\n", file.path, file.size_bytes);
          return context.goes_on == nullptr || context.goes_on();
        });
    if (!walked) return mistake(walked.error().message());
    if (n_files > kMostFiles) text += fmt::format("(only the first {}; ask for a folder)\n", kMostFiles);
    return foreign_words(text.empty() ? "(no files)" : printable_text(text));
  }
};

}  // namespace

std::unique_ptr<Tool> make_list_files() {
  return std::make_unique<ListFiles>();
}

}  // namespace ondol
