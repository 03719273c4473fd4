#include <algorithm>

#include <fmt/format.h>

#include "agent/printable_text.h"
#include "agent/tools/plain_tool.h"
#include "agent/tools/tools.h"
#include "agent/tools/workspace_walk.h"
#include "text/regex.h"
#include "text/unicode.h"

namespace ondol {
namespace {

constexpr int kMostMatches = 100;
constexpr int kAllDepths = 64;
constexpr uint64_t kMostFileBytes = 4 << 20;
constexpr size_t kMostLineBytes = 300;

class SearchFiles : public PlainTool {
 public:
  SearchFiles()
      : PlainTool("search_files", "Finds lines that match a regular expression in the files of the workspace.",
                  R"({"pattern": {"type": "string"}, "path": {"type": "string", "description": "a file or folder"}})",
                  R"(["pattern"])", Effect::kReads) {}

  Result<std::string> preview(const json::object& arguments, ToolContext& context) override {
    const std::string path = ONDOL_TRY(context.workspace.resolve(string_or(arguments, "path", "")));
    return fmt::format("search for {} in /{}", string_or(arguments, "pattern", ""), path);
  }

  Result<ToolResult> call(const json::object& arguments, ToolContext& context) override {
    const auto regex = Regex::compile(string_or(arguments, "pattern", ""));
    if (!regex) return mistake(regex.error().message());
    const std::string path = string_or(arguments, "path", "");
    Found found;
    if (context.workspace.is_file(path)) {
      add_matches(*regex, context.workspace, path, found);
    } else {
      const auto walked = walk_workspace(context.workspace, path, kAllDepths, [&](const WalkedFile& file) {
        if (!file.is_folder && file.size_bytes <= kMostFileBytes)
          add_matches(*regex, context.workspace, file.path, found);
        return found.n <= kMostMatches && (context.goes_on == nullptr || context.goes_on());
      });
      if (!walked) return mistake(walked.error().message());
    }
    if (found.n > kMostMatches) found.text += fmt::format("(only the first {})\n", kMostMatches);
    return foreign_words(found.n == 0 ? "(no matches)" : printable_text(found.text));
  }

 private:
  struct Found {
    std::string text;
    int n = 0;
  };

  static void add_matches(const Regex& regex, const Workspace& workspace, const std::string& path, Found& found) {
    const auto content = workspace.read_file(path, kMostFileBytes);
    if (!content || content->find('\0') != content->npos || !is_valid_utf8(*content)) return;
    std::vector<TextSpan> matches;
    regex.find_all(*content, matches);
    size_t line = 1, counted = 0, last_line = 0;
    for (const TextSpan& match : matches) {
      line += static_cast<size_t>(
          std::count(content->begin() + static_cast<ptrdiff_t>(counted), content->begin() + match.begin, '\n'));
      counted = match.begin;
      if (line == last_line) continue;
      last_line = line;
      if (++found.n > kMostMatches) return;
      const size_t begin = match.begin == 0 ? 0 : content->rfind('\n', match.begin - 1) + 1;
      const size_t end = std::min(content->find('\n', match.begin), content->size());
      found.text += fmt::format("{}:{}: {}\n", path, line,
                                std::string_view(*content).substr(begin, std::min(end - begin, kMostLineBytes)));
    }
  }
};

}  // namespace

std::unique_ptr<Tool> make_search_files() {
  return std::make_unique<SearchFiles>();
}

}  // namespace ondol
