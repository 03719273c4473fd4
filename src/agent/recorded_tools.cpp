#include "agent/recorded_tools.h"

#include <map>
#include <string>

#include "agent/approval_memory.h"

namespace ondol {
namespace {

using Recording = std::map<std::string, std::vector<ToolResult>>;

std::string key_of(std::string_view tool, const json::object& arguments) {
  return std::string(tool) + " " + approval_of(tool, arguments, {}).pattern;
}

Recording read_recording(const std::vector<json::object>& steps) {
  std::map<std::string, std::string> keys;  // of calls, by their ids
  Recording recording;
  for (const json::object& step : steps) {
    const std::string type = string_or(step, "type", "");
    const json::value* calls = step.if_contains("calls");
    if (type == "answer" && calls != nullptr && calls->is_array()) {
      for (const json::value& call : calls->get_array()) {
        const json::value* arguments = find_member(call, "arguments");
        if (arguments == nullptr || !arguments->is_object()) continue;
        keys[string_or(call, "id", "")] = key_of(string_or(call, "name", ""), arguments->get_object());
      }
    } else if (type == "result") {
      const auto key = keys.find(string_or(step, "call", ""));
      if (key == keys.end()) continue;
      recording[key->second].push_back({string_or(step, "text", ""), bool_or(step, "is_error", false),
                                        bool_or(step, "is_untrusted", false)});
    }
  }
  return recording;
}

class RecordedTool final : public Tool {
 public:
  RecordedTool(const Tool& tool, std::shared_ptr<Recording> recording)
      : tool_(tool), recording_(std::move(recording)) {}

  const ToolDefinition& definition() const override { return tool_.definition(); }
  Effect effect(const json::object&) const override { return Effect::kNone; }
  Result<std::string> preview(const json::object& arguments, ToolContext&) override { return json_text(arguments); }
  Result<ToolResult> call(const json::object& arguments, ToolContext&) override {
    const std::string key = key_of(definition().name, arguments);
    const auto found = recording_->find(key);
    if (found == recording_->end()) return ToolResult{"The session that is replayed has no such call.", true};
    return found->second[std::min(n_given_[key]++, found->second.size() - 1)];
  }

 private:
  const Tool& tool_;
  std::shared_ptr<Recording> recording_;
  std::map<std::string, size_t> n_given_;
};

}  // namespace

std::vector<std::unique_ptr<Tool>> record_tools(const std::vector<Tool*>& tools,
                                                const std::vector<json::object>& steps) {
  const auto recording = std::make_shared<Recording>(read_recording(steps));
  std::vector<std::unique_ptr<Tool>> recorded;
  for (const Tool* tool : tools) recorded.push_back(std::make_unique<RecordedTool>(*tool, recording));
  return recorded;
}

}  // namespace ondol
