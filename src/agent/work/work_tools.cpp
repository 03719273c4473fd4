#include "agent/work/work_tools.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/proxy.h"
#include "agent/workspace.h"
#include "retrieve/reader_process.h"

namespace ondol {
namespace {

class OpenTools final : public WorkTools {
 public:
  OpenTools(Workspace workspace, std::unique_ptr<Sandbox> sandbox, const WorkWishes& wishes)
      : workspace_(std::move(workspace)),
        sandbox_(std::move(sandbox)),
        context_{workspace_, *sandbox_, {}, {}},
        reader_({wishes.reader_program}) {}

  Result<void> make(const WorkWishes& wishes) {
    ToolNeeds needs;
    needs.host_names = wishes.hosts;
    if (wishes.has_network && !wishes.hosts.empty()) {
      ProxyOptions proxy;
      proxy.hosts = ONDOL_TRY(HostList::parse(wishes.hosts));
      proxy_ = ONDOL_TRY(Proxy::start(std::move(proxy)));
      needs.proxy_socket = proxy_->socket_path();
    }
    needs.notes_folder = wishes.data_folder + "/notes";
    needs.search_documents = wishes.search_documents;
    needs.page_reader = &reader_;
    needs.mqtt_broker = wishes.mqtt_broker;
    tools_ = ONDOL_TRY(make_tools(needs));
    return wishes.tools ? keep(*wishes.tools) : Result<void>();
  }

  ToolContext& context() override { return context_; }
  std::vector<Tool*> tools() override {
    std::vector<Tool*> list;
    for (const auto& tool : tools_) list.push_back(tool.get());
    return list;
  }

 private:
  Result<void> keep(const std::vector<std::string>& names) {
    std::vector<std::string> known;
    for (const auto& tool : tools_) known.push_back(tool->definition().name);
    for (const std::string& name : names) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      return Error(fmt::format("--tools: expected {}, got '{}'", fmt::join(known, ", "), name));
    }
    std::erase_if(tools_, [&](const auto& tool) {
      return std::find(names.begin(), names.end(), tool->definition().name) == names.end();
    });
    return {};
  }

  Workspace workspace_;
  std::unique_ptr<Sandbox> sandbox_;
  ToolContext context_;
  ReaderProcess reader_;
  std::unique_ptr<Proxy> proxy_;
  std::vector<std::unique_ptr<Tool>> tools_;
};

}  // namespace

Result<std::unique_ptr<WorkTools>> WorkTools::open(const WorkWishes& wishes) {
  Workspace workspace = ONDOL_TRY(Workspace::open(wishes.workspace));
  std::unique_ptr<Sandbox> sandbox = ONDOL_TRY(Sandbox::open());
  auto tools = std::make_unique<OpenTools>(std::move(workspace), std::move(sandbox), wishes);
  ONDOL_TRY(tools->make(wishes));
  return std::unique_ptr<WorkTools>(std::move(tools));
}

}  // namespace ondol
