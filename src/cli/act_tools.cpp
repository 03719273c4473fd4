#include "cli/act_tools.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/workspace.h"
#if __has_include("agent/tool_list.h")
#include "agent/tool_list.h"
#endif

namespace ondol::cli {
namespace {

class OpenTools final : public ActTools {
 public:
  OpenTools(Workspace workspace, std::unique_ptr<Sandbox> sandbox)
      : workspace_(std::move(workspace)),
        sandbox_(std::move(sandbox)),
        context_{workspace_, *sandbox_, {}, {}} {}

  ToolContext& context() override { return context_; }
  std::vector<Tool*> tools() override {
    std::vector<Tool*> list;
    for (const auto& tool : tools_) list.push_back(tool.get());
    return list;
  }

 private:
  Workspace workspace_;
  std::unique_ptr<Sandbox> sandbox_;
  ToolContext context_;
  std::vector<std::unique_ptr<Tool>> tools_;
};

}  // namespace

Result<std::unique_ptr<ActTools>> ActTools::open(const std::string& workspace, const std::vector<std::string>& names,
                                                 const std::vector<std::string>& hosts) {
  (void)names;
  (void)hosts;
  Workspace folder = ONDOL_TRY(Workspace::open(workspace));
  std::unique_ptr<Sandbox> sandbox = ONDOL_TRY(Sandbox::open());
  return std::unique_ptr<ActTools>(std::make_unique<OpenTools>(std::move(folder), std::move(sandbox)));
}

}  // namespace ondol::cli
