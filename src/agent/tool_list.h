// The list of tools. A new one is a file in tools/, a line in tools/tools.h and one in tool_list.cpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/host_list.h"
#include "agent/tool.h"
#include "retrieve/document_reader.h"
#include "retrieve/document_store.h"

namespace ondol {

/// What tools need beside the workspace and the sandbox. What is missing leaves its tools out. It outlives them.
struct ToolNeeds {
  std::vector<std::string> host_names;  // that may be reached, as in Policy::hosts
  std::string proxy_socket;             // of a Proxy for these hosts, for programs; empty: they have no network
  std::string notes_folder;             // in the data folder; empty: no notes
  std::function<Result<std::vector<Hit>>(std::string_view question, size_t n)> search_documents;
  DocumentReader* page_reader = nullptr;  // of HTML; without it, pages cannot be read
  std::string mqtt_broker;                // "localhost:1883"; empty: no devices
};

/// In the order in which they are offered. Error: a host that is none.
Result<std::vector<std::unique_ptr<Tool>>> make_tools(const ToolNeeds& needs);

}  // namespace ondol
