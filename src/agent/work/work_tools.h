// The workspace, the sandbox and the tools of one run of an agent.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/sandbox.h"
#include "agent/tool.h"
#include "agent/tool_list.h"

namespace ondol {

struct WorkWishes {
  std::string workspace;                                   // a folder
  std::optional<std::vector<std::string>> tools;           // the only ones wanted; nothing: all
  std::vector<std::string> hosts;                          // that may be reached
  std::string data_folder;                                 // for notes
  decltype(ToolNeeds::search_documents) search_documents;  // none: there are no documents
  std::string reader_program;                              // ondol-reader, for pages
  std::string mqtt_broker;                                 // "localhost:1883"; empty: no devices
  bool has_network = false;                                // the scope lets programs reach the hosts
};

class WorkTools {
 public:
  /// Errors: no such folder or tool, a host that is none, no sandbox.
  static Result<std::unique_ptr<WorkTools>> open(const WorkWishes& wishes);
  virtual ~WorkTools() = default;

  virtual ToolContext& context() = 0;
  virtual std::vector<Tool*> tools() = 0;
};

}  // namespace ondol
