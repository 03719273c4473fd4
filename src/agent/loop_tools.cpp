#include "agent/loop_tools.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace ondol {
namespace {

constexpr int64_t kLinesAtOnce = 200;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

class ReadResult final : public Tool {
 public:
  ReadResult(const AgentSession& session, std::function<bool(int)> is_untrusted)
      : session_(session), is_untrusted_(std::move(is_untrusted)) {
    const auto schema = parse_json(R"({"type": "object", "properties": {
        "result": {"type": "integer", "minimum": 1, "description": "Its number"},
        "from_line": {"type": "integer", "minimum": 1, "description": "The first line wanted, from 1"},
        "find": {"type": "string", "description": "A text; lines around its first place from there on"}},
        "required": ["result"]})");
    definition_ = {"read_result", "Read more of an earlier result that was shown shortened.", *schema};
  }

  const ToolDefinition& definition() const override { return definition_; }
  Effect effect(const json::object&) const override { return Effect::kNone; }
  Result<std::string> preview(const json::object& arguments, ToolContext&) override { return json_text(arguments); }

  Result<ToolResult> call(const json::object& arguments, ToolContext&) override {
    const int number = static_cast<int>(int_or(arguments, "result", 0));
    const auto text = session_.result(number);
    if (!text) return ToolResult{text.error().message(), true};
    const std::vector<std::string_view> lines = lines_of(*text);
    const auto n = static_cast<int64_t>(lines.size());
    int64_t first = std::max<int64_t>(int_or(arguments, "from_line", 1), 1) - 1;
    const std::string wanted = string_or(arguments, "find", "");
    if (!wanted.empty()) {
      while (first < n && lines[static_cast<size_t>(first)].find(wanted) == std::string_view::npos) ++first;
      if (first >= n) return ToolResult{fmt::format("'{}' does not occur there.", wanted), true};
      first = std::max<int64_t>(first - 10, 0);
    }
    if (first >= n) return ToolResult{fmt::format("Result {} has {} lines.", number, n), true};
    const int64_t end = std::min(first + kLinesAtOnce, n);
    std::string part = fmt::format("Lines {} to {} of {}:\n", first + 1, end, n);
    for (int64_t i = first; i < end; ++i) part.append(lines[static_cast<size_t>(i)]).append("\n");
    return ToolResult{std::move(part), false, is_untrusted_(number)};
  }

 private:
  const AgentSession& session_;
  std::function<bool(int)> is_untrusted_;
  ToolDefinition definition_;
};

class FindTools final : public Tool {
 public:
  explicit FindTools(std::function<std::string(const std::string&)> find) : find_(std::move(find)) {
    const auto schema = parse_json(R"({"type": "object", "properties": {
        "task": {"type": "string", "description": "What is to be done, in English"}}, "required": ["task"]})");
    definition_ = {"find_tools", "There are more tools than these: get those that fit a task.", *schema};
  }

  const ToolDefinition& definition() const override { return definition_; }
  Effect effect(const json::object&) const override { return Effect::kNone; }
  Result<std::string> preview(const json::object& arguments, ToolContext&) override { return json_text(arguments); }
  Result<ToolResult> call(const json::object& arguments, ToolContext&) override {
    return ToolResult{find_(string_or(arguments, "task", ""))};
  }

 private:
  std::function<std::string(const std::string&)> find_;
  ToolDefinition definition_;
};

}  // namespace

std::unique_ptr<Tool> make_read_result(const AgentSession& session, std::function<bool(int number)> is_untrusted) {
  return std::make_unique<ReadResult>(session, std::move(is_untrusted));
}

std::unique_ptr<Tool> make_find_tools(std::function<std::string(const std::string& task)> find) {
  return std::make_unique<FindTools>(std::move(find));
}

}  // namespace ondol
