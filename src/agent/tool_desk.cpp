#include <algorithm>
#include <utility>

#include "agent/loop_state.h"

namespace ondol {
namespace {

std::vector<const ToolDefinition*> definitions_of(const std::vector<Tool*>& tools) {
  std::vector<const ToolDefinition*> definitions;
  for (const Tool* tool : tools) definitions.push_back(&tool->definition());
  return definitions;
}

}  // namespace

Result<json::object> StepLog::add(const json::object& step) {
  json::value clean = secrets_.filter_value(json::value(step));
  ONDOL_TRY(session_.append(std::move(clean.as_object())));
  const json::object& written = session_.steps().back();
  if (observer_) observer_(written);
  return written;
}

ToolDesk::ToolDesk(std::vector<Tool*> tools, std::vector<std::unique_ptr<Tool>> own, size_t most)
    : tools_(std::move(tools)), own_(std::move(own)), most_(most), picker_(definitions_of(tools_)) {}

void ToolDesk::offer(std::vector<size_t> picked) {
  offered_ = std::move(picked);
  definitions_.clear();
  for (const size_t i : offered_) definitions_.push_back(tools_[i]->definition());
  for (const auto& tool : own_) definitions_.push_back(tool->definition());
}

void ToolDesk::choose(std::string_view task) {
  const std::string_view query = stated_.empty() ? task : stated_;
  const bool may_change = std::exchange(is_new_goal_, false) || definitions_.empty();
  const std::optional<size_t> missing = tools_.size() > most_ ? picker_.missing(query, offered_) : std::nullopt;
  const bool lasts = missing && missing == std::exchange(missing_, missing);
  if (!may_change && !lasts) return;
  std::vector<size_t> picked = picker_.pick(query, most_, offered_, used_);
  if (picked != offered_ || definitions_.empty()) offer(std::move(picked));
}

void ToolDesk::restore(const json::array& names) {
  std::vector<size_t> picked;
  for (size_t i = 0; i < tools_.size(); ++i) {
    const json::value name(tools_[i]->definition().name);
    if (std::find(names.begin(), names.end(), name) != names.end()) picked.push_back(i);
  }
  offer(std::move(picked));
}

void ToolDesk::was_used(std::string_view name) {
  for (const size_t i : offered_) {
    if (tools_[i]->definition().name != name) continue;
    std::erase(used_, i);
    used_.push_back(i);
  }
}

std::string ToolDesk::find(const std::string& task) {
  stated_ = task;
  const size_t n_kept = std::min(used_.size(), most_ / 2);
  const std::vector<size_t> kept(used_.end() - static_cast<long>(n_kept), used_.end());
  offer(picker_.pick(task, most_, {}, kept));
  std::string text = "From now on you have:\n";
  for (const size_t i : offered_) {
    const ToolDefinition& tool = tools_[i]->definition();
    text += "- " + tool.name + ": " + tool.description + "\n";
  }
  return text;
}

json::array ToolDesk::names() const {
  json::array names;
  for (const size_t i : offered_) names.push_back(json::value(tools_[i]->definition().name));
  return names;
}

Tool* ToolDesk::tool(std::string_view name) const {
  for (const size_t i : offered_) {
    if (tools_[i]->definition().name == name) return tools_[i];
  }
  for (const auto& tool : own_) {
    if (tool->definition().name == name) return tool.get();
  }
  return nullptr;
}

}  // namespace ondol
