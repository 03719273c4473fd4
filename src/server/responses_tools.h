// Tools of the Responses API: functions, tools with free text as input (custom), both in namespaces, and those that run
// here (file_search, code_interpreter, mcp), as the functions that a model knows; and back again for what it calls.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/chat.h"
#include "server/code_interpreter.h"
#include "server/fields.h"
#include "server/file_search.h"
#include "server/remote_tools.h"

namespace ondol::server {

/// How a tool that the model calls is written in the response.
struct ResponseTool {
  std::string name;
  std::string space;  // its namespace, or its MCP server, or ""
  bool is_custom = false;
  ToolRunner runner = ToolRunner::kClient;
  bool must_ask = false;  // a call runs only once the client has approved it
};

/// What this server runs, if it is asked to.
struct OfferedTools {
  bool code = false;
  bool remote = false;
};

struct ResponseTools {
  std::map<std::string, ResponseTool> by_name;  // by the model's name
  json::array echo;                             // the list as it is shown again
  std::vector<std::string> ignored;             // types of hosted tools, which do not run here
  std::optional<FileSearchTool> search = {};
  std::optional<CodeTool> code = {};
  std::vector<RemoteServer> remote = {};  // their tools are not known yet

  /// Whether anything but a search runs here.
  bool has_programs() const { return code || !remote.empty(); }
};

/// `tools`, `tool_choice` and `parallel_tool_calls`, into the request. Hosted tools that are not offered (web_search,
/// ...) are left out, and named in `ignored`, when there are others and tool_choice does not demand them.
ResponseTools read_response_tools(const Fields& body, ChatRequest& chat, const OfferedTools& offered = {});

/// The free text that the arguments of a custom tool hold; the arguments themselves where they hold none.
std::string custom_input(const std::string& arguments);

}  // namespace ondol::server
