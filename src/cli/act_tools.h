// The workspace, the sandbox and the tools of `ondol act`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/sandbox.h"
#include "agent/tool.h"

namespace ondol::cli {

class ActTools {
 public:
  /// `names`: the only ones wanted; empty: all. `hosts` may be reached. Errors: no such folder or tool, no sandbox.
  static Result<std::unique_ptr<ActTools>> open(const std::string& workspace, const std::vector<std::string>& names,
                                                const std::vector<std::string>& hosts);
  virtual ~ActTools() = default;

  virtual ToolContext& context() = 0;
  virtual std::vector<Tool*> tools() = 0;
};

}  // namespace ondol::cli
