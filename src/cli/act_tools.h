// The workspace, the sandbox and the tools of `ondol act`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/sandbox.h"
#include "agent/tool.h"

namespace ondol::cli {

/// Where agents keep sessions, approvals, notes and skills unless told otherwise.
std::string agent_folder();

struct ActWishes {
  std::string workspace;           // a folder
  std::vector<std::string> tools;  // the only ones wanted; empty: all
  std::vector<std::string> hosts;  // that may be reached
  std::string data_folder;         // for notes
  std::string store;               // of documents; where there is none, they are not searched
  std::string mqtt_broker;         // "localhost:1883"; empty: no devices
  bool has_network = false;        // the scope lets programs reach the hosts
};

class ActTools {
 public:
  /// Errors: no such folder or tool, a host that is none, no sandbox.
  static Result<std::unique_ptr<ActTools>> open(const ActWishes& wishes);
  virtual ~ActTools() = default;

  virtual ToolContext& context() = 0;
  virtual std::vector<Tool*> tools() = 0;
};

}  // namespace ondol::cli
