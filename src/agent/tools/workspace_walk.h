// The files below a folder of the workspace, without what is hidden or left out by .gitignore and .ondolignore.
#pragma once

#include <functional>
#include <string>

#include "agent/workspace.h"
#include "base/result.h"

namespace ondol {

struct WalkedFile {
  std::string path;  // from the root on
  bool is_folder = false;
  uint64_t size_bytes = 0;
};

/// Sorted, folders before what is in them; false from `visit` ends it. Links are not followed. Error: no such folder.
Result<void> walk_workspace(const Workspace& workspace, std::string_view folder, int most_depth,
                            const std::function<bool(const WalkedFile& file)>& visit);

}  // namespace ondol
