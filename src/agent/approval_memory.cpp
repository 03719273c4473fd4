#include "agent/approval_memory.h"

#include <algorithm>
#include <filesystem>
#include <span>

#include <fmt/format.h>

#include "base/files.h"
#include "base/hash.h"

namespace ondol {
namespace {

constexpr size_t kMostBytes = size_t{4} << 20;

/// Keys in alphabetical order at every depth, so that the order in which a model writes them does not matter.
json::value sorted(const json::value& value) {
  if (value.is_array()) {
    json::array items;
    for (const json::value& item : value.get_array()) items.push_back(sorted(item));
    return items;
  }
  if (!value.is_object()) return value;
  std::vector<std::string_view> keys;
  for (const auto& member : value.get_object()) keys.push_back(member.key());
  std::sort(keys.begin(), keys.end());
  json::object object;
  for (const std::string_view key : keys) object[key] = sorted(value.get_object().at(key));
  return object;
}

std::string file_name(const std::string& workspace) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(workspace.data());
  return hash_bytes(std::span(bytes, workspace.size())).hex() + ".json";
}

}  // namespace

RememberedApproval approval_of(std::string_view tool, const json::object& arguments,
                               const std::vector<std::string>& hosts) {
  if (!hosts.empty()) {
    std::vector<std::string> names = hosts;
    std::sort(names.begin(), names.end());
    return {std::string(tool), fmt::format("host:{}", fmt::join(names, ","))};
  }
  const bool writes_one_file = tool == "write_file" || tool == "edit_file";
  const std::string path = string_or(arguments, "path", "");
  if (writes_one_file && !path.empty()) {
    return {std::string(tool), "path:" + std::filesystem::path(path).lexically_normal().string()};
  }
  return {std::string(tool), "exactly:" + json_text(sorted(arguments))};
}

Result<ApprovalMemory> ApprovalMemory::open(const std::string& folder, const std::string& workspace) {
  ApprovalMemory memory;
  memory.workspace_ = workspace;
  if (folder.empty()) return memory;
  memory.path_ = folder + "/" + file_name(workspace);
  std::error_code code;
  if (!std::filesystem::exists(memory.path_, code)) return memory;
  const std::string text = ONDOL_TRY(read_file(memory.path_, kMostBytes));
  const json::value file = ONDOL_TRY(parse_json(text).in(memory.path_));
  if (string_or(file, "workspace", "") != workspace) {
    return Error(fmt::format("{}: expected the approvals of {}, got those of '{}'", memory.path_, workspace,
                             string_or(file, "workspace", "")));
  }
  const json::value* list = find_member(file, "approvals");
  if (list == nullptr || !list->is_array()) {
    return Error(memory.path_ + ": expected a list 'approvals'; hint: remove the file to be asked again");
  }
  for (const json::value& entry : list->get_array()) {
    RememberedApproval approval{string_or(entry, "tool", ""), string_or(entry, "pattern", "")};
    if (approval.tool.empty() || approval.pattern.empty()) {
      return Error(memory.path_ + ": expected a tool and a pattern in every entry; hint: remove the file");
    }
    memory.approvals_.push_back(std::move(approval));
  }
  return memory;
}

bool ApprovalMemory::has(const RememberedApproval& approval) const {
  return std::find(approvals_.begin(), approvals_.end(), approval) != approvals_.end();
}

Result<void> ApprovalMemory::add(const RememberedApproval& approval) {
  ONDOL_CHECK(!approval.tool.empty() && !approval.pattern.empty());
  if (has(approval)) return {};
  approvals_.push_back(approval);
  if (path_.empty()) return {};
  json::array list;
  for (const RememberedApproval& entry : approvals_) {
    list.push_back(json::object{{"tool", entry.tool}, {"pattern", entry.pattern}});
  }
  json::object file = {{"workspace", workspace_}};
  file["approvals"] = std::move(list);
  std::error_code code;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), code);
  ONDOL_TRY(write_file_atomically(path_, json_text(file) + "\n"));
  std::filesystem::permissions(path_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, code);
  return {};
}

}  // namespace ondol
