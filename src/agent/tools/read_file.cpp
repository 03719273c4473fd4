#include <algorithm>

#include <fmt/format.h>

#include "agent/printable_text.h"
#include "agent/tools/plain_tool.h"
#include "agent/tools/tools.h"
#include "agent/workspace.h"

namespace ondol {
namespace {

class ReadFile : public PlainTool {
 public:
  ReadFile()
      : PlainTool("read_file", "Reads a text file of the workspace, whole or some of its lines.",
                  R"({"path": {"type": "string"},
                      "first_line": {"type": "integer", "minimum": 1},
                      "last_line": {"type": "integer", "minimum": 1}})",
                  R"(["path"])", Effect::kReads) {}

  Result<std::string> preview(const json::object& arguments, ToolContext& context) override {
    return "read " + ONDOL_TRY(context.workspace.resolve(string_or(arguments, "path", "")));
  }

  Result<ToolResult> call(const json::object& arguments, ToolContext& context) override {
    const std::string path = string_or(arguments, "path", "");
    const auto content = context.read_file(path);
    if (!content) return mistake(content.error().message());
    if (content->find('\0') != content->npos)
      return mistake(fmt::format("{}: holds no text ({} bytes)", path, content->size()));
    const int64_t first = int_or(arguments, "first_line", 1);
    const int64_t last = int_or(arguments, "last_line", INT64_MAX);
    std::string_view rest = *content;
    std::string text;
    for (int64_t line = 1; !rest.empty() && line <= last; ++line) {
      const size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
      if (line >= first) text += rest.substr(0, end);
      rest.remove_prefix(end);
    }
    if (text.empty() && !content->empty()) return mistake(fmt::format("{}: has no such lines", path));
    return foreign_words(printable_text(text));
  }
};

}  // namespace

std::unique_ptr<Tool> make_read_file() {
  return std::make_unique<ReadFile>();
}

}  // namespace ondol
