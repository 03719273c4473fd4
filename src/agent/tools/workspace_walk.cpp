#include "agent/tools/workspace_walk.h"

#include "retrieve/ignore_rules.h"

namespace ondol {
namespace {

constexpr size_t kMostRuleBytes = 1 << 20;

struct Walk {
  const Workspace& workspace;
  const std::function<bool(const WalkedFile& file)>& visit;
  IgnoreRules rules;
  bool goes_on = true;

  void read_rules(const std::string& folder) {
    for (const char* name : {".gitignore", ".ondolignore"}) {
      const auto lines = workspace.read_file(folder.empty() ? name : folder + "/" + name, kMostRuleBytes);
      if (lines) rules.add(*lines, folder);
    }
  }

  Result<void> enter(const std::string& folder, int depth) {
    read_rules(folder);
    for (const Workspace::Entry& entry : ONDOL_TRY(workspace.list(folder))) {
      const std::string path = folder.empty() ? entry.name : folder + "/" + entry.name;
      if (entry.is_link || rules.leaves_out(path, entry.is_folder)) continue;
      goes_on = goes_on && visit({path, entry.is_folder, entry.size_bytes});
      // A folder that cannot be read, or is gone meanwhile, has nothing in it.
      if (goes_on && entry.is_folder && depth > 1) (void)enter(path, depth - 1);
      if (!goes_on) break;
    }
    return {};
  }
};

}  // namespace

Result<void> walk_workspace(const Workspace& workspace, std::string_view folder, int most_depth,
                            const std::function<bool(const WalkedFile& file)>& visit) {
  Walk walk{workspace, visit, {}};
  const std::string start = ONDOL_TRY(workspace.resolve(folder));
  for (size_t slash = start.find('/'); !start.empty(); slash = start.find('/', slash + 1)) {
    walk.read_rules(slash == start.npos ? "" : start.substr(0, slash));
    if (slash == start.npos) break;
  }
  return walk.enter(start, most_depth);
}

}  // namespace ondol
